import { decodeText, TextError } from '@hansard/config'

/** A line of an input, or what is wrong with it. */
export type InputLine = { readonly number: number } & ({ readonly text: string } | { readonly problem: string })

const LF = 0x0a
const CR = 0x0d

/**
 * The lines of an input, which end in LF or CR LF and in nothing else. Node's readline also ends them at U+2028, U+2029
 * and a lone CR: these stand in texts that other people write, and what follows them is not a line of its own.
 *
 * A line that is too long or not UTF-8 comes out as a problem, and the lines after it as they are. What is held in
 * memory is bounded.
 */
export async function* linesOf(
  input: AsyncIterable<Uint8Array | string>,
  { bytesMax }: { readonly bytesMax: number },
): AsyncGenerator<InputLine> {
  let number = 1
  let held: Uint8Array[] = []
  let bytes = 0
  const take = (): InputLine => {
    const line = Buffer.concat(held)
    const tooLong = bytes > bytesMax
    held = []
    bytes = 0
    return { number: number++, ...(tooLong ? { problem: `it is longer than ${bytesMax} bytes` } : decoded(line)) }
  }
  for await (const piece of input) {
    const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece
    let from = 0
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
      hold(chunk.subarray(from, at))
      yield take()
      from = at + 1
    }
    hold(chunk.subarray(from))
  }
  if (bytes > 0) yield take()

  function hold(part: Uint8Array): void {
    bytes += part.length
    if (bytes <= bytesMax) held.push(part)
    else held = []
  }
}

function decoded(line: Buffer): { readonly text: string } | { readonly problem: string } {
  const end = line.at(-1) === CR ? line.length - 1 : line.length
  try {
    return { text: decodeText(line.subarray(0, end), { what: 'it' }) }
  } catch (error) {
    if (error instanceof TextError) return { problem: error.message.replace(/line 1, /, '').replace(/\.$/, '') }
    throw error
  }
}
