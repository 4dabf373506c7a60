/**
 * File names are untrusted text: other users see them, and browsers create files with them.
 *
 * The danger is a name that is interpreted as something else: as a path, as a Windows device, as a second header, or,
 * through a character that changes the writing direction, as `cod.exe` where it displays `exe.doc`.
 */
const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu
const RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i
const BYTES_MAX = 255
const EXTENSION_MAX = 32

/**
 * A name that is safe to show, to put in a header and to save on any system: no path, no control or formatting
 * characters, whole characters, at most 255 bytes of UTF-8, the extension kept. Idempotent.
 */
export function safeFileName(name: string): string {
  // Far more than is kept, and far less than a text meant to exhaust the patterns.
  const tail = name.length > 8_192 ? name.slice(-8_192) : name
  // Compose after removing controls: a control between a letter and its accent would keep them apart until the next
  // run.
  const composed = tail.toWellFormed().replace(CONTROLS, '').normalize('NFC')
  const plain = composed
    .split(/[/\\]/)
    .at(-1)!
    .replace(/[<>:"|?*]/g, '_')
    .replace(/\s+/gu, ' ')
  const trimmed = trimEnds(plain)
  if (trimmed === '') return 'file'
  const cut = trimEnds(shorten(RESERVED.test(trimmed) ? `_${trimmed}` : trimmed))
  return cut === '' ? 'file' : cut
}

/** Leading dots hide a file. Windows drops trailing dots and blanks and then sees another extension. */
function trimEnds(name: string): string {
  let from = 0
  let to = name.length
  while (from < to && (name[from] === '.' || name[from] === ' ')) from += 1
  while (to > from && (name[to - 1] === '.' || name[to - 1] === ' ')) to -= 1
  return name.slice(from, to)
}

function shorten(name: string): string {
  if (Buffer.byteLength(name) <= BYTES_MAX) return name
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 && Buffer.byteLength(name.slice(dot)) <= EXTENSION_MAX ? name.slice(dot) : ''
  return headOf(name.slice(0, name.length - extension.length), BYTES_MAX - Buffer.byteLength(extension)) + extension
}

/** As many whole characters as fit into so many bytes. */
function headOf(text: string, bytesMax: number): string {
  let bytes = 0
  let end = 0
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > bytesMax) break
    end += character.length
  }
  return text.slice(0, end)
}

/**
 * The header that makes a browser save a file and never display it (RFC 6266): `filename` in ASCII for old programs,
 * and `filename*` (RFC 8187) with the complete name. The result is printable ASCII for any input.
 */
export function contentDisposition(fileName: string): string {
  const name = safeFileName(fileName)
  // Some programs read a percent sign as an escape; a quote or backslash ends the text for others.
  const plain = name.replace(/[^\x20-\x7e]/gu, '_').replace(/["\\%;]/g, '_')
  const encoded = encodeURIComponent(name).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
