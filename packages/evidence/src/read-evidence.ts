import { createHash } from 'node:crypto'

/** One directory of exports, as the verifier sees it. The caller decides how it is read. */
export type EvidenceDirectory = {
  /** as findings name it: `.`, or the path below the verified directory */
  readonly name: string
  readonly files: readonly string[]
  /**
   * Throws `FileMissing` if the file does not exist; any other error means that it cannot be read. The verifier
   * consumes each chunk before it asks for the next, so one buffer may serve for all.
   */
  read(file: string): AsyncIterable<Uint8Array>
}

/** The file does not exist. That is a finding; a file that cannot be read is not. */
export class FileMissing extends Error {
  override name = 'FileMissing'
}

export type ReadOutcome =
  | { readonly outcome: 'read'; readonly size: number; readonly sha256: string }
  | { readonly outcome: 'missing' }
  | { readonly outcome: 'unreadable'; readonly reason: string }

/** Reads a file once, from its first byte to its last, whatever its size. */
export async function readHashed(
  directory: EvidenceDirectory,
  file: string,
  onBytes: (bytes: Uint8Array) => void = () => {},
): Promise<ReadOutcome> {
  const sha256 = createHash('sha256')
  let size = 0
  const chunks = directory.read(file)[Symbol.asyncIterator]()
  for (;;) {
    let next: IteratorResult<Uint8Array>
    try {
      next = await chunks.next()
    } catch (error) {
      if (error instanceof FileMissing) return { outcome: 'missing' }
      return { outcome: 'unreadable', reason: (error as Error).message }
    }
    if (next.done) return { outcome: 'read', size, sha256: sha256.digest('hex') }
    sha256.update(next.value)
    size += next.value.length
    onBytes(next.value)
  }
}

/** Splits bytes into lines. A chain file is ASCII; any other byte becomes a character that no line may contain. */
export function cutLines(onLine: (line: string) => void): { take(bytes: Uint8Array): void; rest(): string } {
  let rest = ''
  return {
    take(bytes) {
      const lines = (rest + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')).split('\n')
      rest = lines.pop()!
      // No valid line is that long. A file without line breaks must not exhaust the memory.
      if (rest.length > LINE_MAX) rest = rest.slice(0, LINE_MAX)
      for (const line of lines) onLine(line)
    },
    rest: () => rest,
  }
}

const LINE_MAX = 100_000
