/** A file that was to be text is not: says in which encoding it was read, and where it stops being that. */
export class TextError extends Error {
  override name = 'TextError'
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

/**
 * Text from outside, or a `TextError`. A decoder that is not told to be strict puts U+FFFD in the place of what it does
 * not understand: two names become one, and what is kept is not what somebody wrote. A byte order mark is dropped.
 */
export function decodeText(
  bytes: Uint8Array,
  { what, encoding = 'utf-8' }: { what: string; encoding?: string },
): string {
  const decoder = new TextDecoder(encoding, { fatal: true })
  const hint = 'Convert it, or name its encoding, such as windows-1252 or utf-16le, where the command takes one.'
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    const at = firstBadByte(bytes, encoding)
    throw new TextError(`${what} is not ${decoder.encoding.toUpperCase()}: ${placeOf(bytes, at)}.`, hint)
  }
  const zero = text.indexOf('\0')
  if (zero < 0) return text
  // UTF-16 without a byte order mark is valid UTF-8 as long as it holds only ASCII: every other byte is zero.
  const at = Buffer.byteLength(text.slice(0, zero))
  throw new TextError(`${what} is not text in ${decoder.encoding.toUpperCase()}: a zero, ${placeOf(bytes, at)}.`, hint)
}

function placeOf(bytes: Uint8Array, at: number): string {
  let line = 1
  for (let index = 0; index < at; index += 1) if (bytes[index] === 0x0a) line += 1
  const value = at < bytes.length ? ` (0x${bytes[at]!.toString(16).padStart(2, '0')})` : ''
  return `line ${line}, byte ${at}${value}`
}

/** Counted from zero. Halves the range: a decoder in its streaming form takes a prefix that ends within a character. */
function firstBadByte(bytes: Uint8Array, encoding: string): number {
  let good = 0
  let bad = bytes.length + 1
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (decodes(bytes.subarray(0, middle), encoding)) good = middle
    else bad = middle
  }
  if (new TextDecoder(encoding).encoding !== 'utf-8') return good
  // The good prefix may end within a character that never comes to its end: that character is what is wrong.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return Buffer.byteLength(decoder.decode(bytes.subarray(0, good), { stream: true }))
}

function decodes(prefix: Uint8Array, encoding: string): boolean {
  try {
    new TextDecoder(encoding, { fatal: true }).decode(prefix, { stream: true })
    return true
  } catch {
    return false
  }
}
