import { DATA_LIMITS } from './data-format.ts'

/** Needs a person: the file violates the format. None of it has been imported. */
export class DataFileError extends Error {
  override name = 'DataFileError'
}

const NEWLINE = 10

/** The parsed lines of an entry. Holds at most one line and a piece of the next. */
export async function* parseLines(
  name: string,
  content: AsyncIterable<Uint8Array>,
  { lineBytesMax = DATA_LIMITS.lineBytes } = {},
): AsyncGenerator<{ readonly number: number; readonly text: string; readonly value: unknown }> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let number = 0
  let parts: Uint8Array[] = []
  let size = 0
  const parse = () => {
    number += 1
    let text: string
    try {
      text = decoder.decode(Buffer.concat(parts))
    } catch {
      throw new DataFileError(`${name}, line ${number}: not UTF-8.`)
    }
    parts = []
    size = 0
    try {
      return { number, text, value: JSON.parse(text) as unknown }
    } catch (error) {
      throw new DataFileError(`${name}, line ${number}: not JSON: ${(error as Error).message.slice(0, 200)}`)
    }
  }
  const take = (part: Uint8Array) => {
    size += part.byteLength
    if (size > lineBytesMax)
      throw new DataFileError(
        `${name}, line ${number + 1}: longer than ${lineBytesMax} bytes, the longest a line may be.`,
      )
    if (part.byteLength > 0) parts.push(part)
  }
  for await (const piece of content) {
    let from = 0
    for (let end = piece.indexOf(NEWLINE); end !== -1; end = piece.indexOf(NEWLINE, from)) {
      take(piece.subarray(from, end))
      yield parse()
      from = end + 1
    }
    take(piece.subarray(from))
  }
  if (size > 0) throw new DataFileError(`${name}, line ${number + 1}: it does not end; the file is cut off.`)
}
