import { createHash } from 'node:crypto'

/** One directory with exports in it, as the verifier sees it. How it is read is somebody else's business. */
export type EvidenceDirectory = {
  /** as findings call it: `.`, or the path below the directory that is verified */
  readonly name: string
  readonly files: readonly string[]
  /**
   * Throws `FileMissing` if there is no such file; any other error means that it cannot be read. The bytes are looked
   * at before the next are asked for, so one buffer may serve for all.
   */
  read(file: string): AsyncIterable<Uint8Array>
}

/** There is no file of that name. That is a finding, while a file that cannot be read is none. */
export class FileMissing extends Error {
  override name = 'FileMissing'
}

export type ReadOutcome =
  | { readonly outcome: 'read'; readonly size: number; readonly sha256: string }
  | { readonly outcome: 'missing' }
  | { readonly outcome: 'unreadable'; readonly reason: string }

/** Reads a file once, from its first to its last byte, whatever its size. */
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

/** Cuts bytes into lines. A chain file is ASCII; any other byte comes out as a character no line may hold. */
export function cutLines(onLine: (line: string) => void): { take(bytes: Uint8Array): void; rest(): string } {
  let rest = ''
  return {
    take(bytes) {
      const lines = (rest + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')).split('\n')
      rest = lines.pop()!
      // Nothing that is a line is that long: a file without line breaks must not fill the memory.
      if (rest.length > LINE_MAX) rest = rest.slice(0, LINE_MAX)
      for (const line of lines) onLine(line)
    },
    rest: () => rest,
  }
}

const LINE_MAX = 100_000
