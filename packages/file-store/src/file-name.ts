/**
 * Names that people give files are text from strangers: they are shown to others, and browsers make files of them.
 *
 * The danger is a name that is read as something else than it is: as a path, as a device of Windows, as a second
 * header, or, by a character that turns the direction of writing, as `cod.exe` where it says `exe.doc`.
 */
const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu
const RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i
const BYTES_MAX = 255
const EXTENSION_MAX = 32

/**
 * A name that may be shown, written in a header and saved on any system: no path, no control or formatting character,
 * whole characters, at most 255 bytes of UTF-8, the extension kept. Making it safe again changes nothing.
 */
export function safeFileName(name: string): string {
  // Far more than is kept, and far less than a text that is there to keep the patterns busy.
  const tail = name.length > 8_192 ? name.slice(-8_192) : name
  // Composed after the controls are gone: one between a letter and its accent would keep them apart until next time.
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

/** Leading dots hide a file, trailing dots and blanks are dropped by Windows, which then finds another extension. */
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
 * The header that makes a browser save a file and never show it (RFC 6266): `filename` for old programs, in ASCII, and
 * `filename*` (RFC 8187) with the whole name. Nothing but printable ASCII comes out, whatever goes in.
 */
export function contentDisposition(fileName: string): string {
  const name = safeFileName(fileName)
  // A percent sign is taken for an escape by some, a quote or backslash ends the text for others.
  const plain = name.replace(/[^\x20-\x7e]/gu, '_').replace(/["\\%;]/g, '_')
  const encoded = encodeURIComponent(name).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
