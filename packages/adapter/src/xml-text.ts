/**
 * Text as XML 1.0 can carry it.
 *
 * Real chats contain characters that XML 1.0 forbids even as references. Dropping them would falsify the record;
 * writing them raw would make a file that no parser reads. They are replaced by visible symbols: U+0001 by its
 * control picture U+2401, and so on to U+001F; lone surrogates, U+FFFE and U+FFFF by U+FFFD. Tab, line feed and
 * carriage return are allowed and stay; so do U+007F to U+009F, which XML 1.0 permits.
 */
export function visibleText(text: string): string {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed()
  return FORBIDDEN.test(wellFormed) ? wellFormed.replace(EVERY_FORBIDDEN, picture) : wellFormed
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/
const EVERY_FORBIDDEN = new RegExp(FORBIDDEN, 'g')

function picture(char: string): string {
  const code = char.charCodeAt(0)
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\ufffd'
}

/**
 * The text of an attribute value between double quotes. Line breaks and tabs become references: a parser reads raw
 * ones as spaces, and a two-line chat would become one line.
 */
export function attributeText(text: string): string {
  const visible = visibleText(text)
  return SPECIAL.test(visible) ? visible.replace(EVERY_SPECIAL, (char) => REFERENCES[char]!) : visible
}

const SPECIAL = /[&<>"\t\n\r]/
const EVERY_SPECIAL = new RegExp(SPECIAL, 'g')
// Spelled as libxml2 spells them, so that our bytes equal those of an identity transformation.
const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}
