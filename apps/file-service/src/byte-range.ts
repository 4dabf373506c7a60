/** The requested bytes of a file, both ends included; undefined: all of them. */
export type ByteRange = { readonly start: number; readonly end: number }

/**
 * Parses a Range header (RFC 9110, 14). One range is served; for several ranges, another unit or a malformed header
 * the whole file is sent, as the RFC allows. A range that starts beyond the end is `unsatisfiable`.
 */
export function parseByteRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/i.exec(header?.trim() ?? '')
  if (!match) return undefined
  if (match[3] !== undefined) {
    const length = Number(match[3])
    if (length === 0) return 'unsatisfiable'
    return size === 0 ? undefined : { start: Math.max(0, size - length), end: size - 1 }
  }
  const start = Number(match[1])
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1)
  if (match[2] !== '' && Number(match[2]) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, end }
}
