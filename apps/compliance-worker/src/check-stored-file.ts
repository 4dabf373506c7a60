import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'

/** What an upload's event says about the bytes. `size` in bytes. */
type StoredFile = { readonly storedName: string; readonly size: number; readonly sha256: string }

/** The bytes that the compliance file store has under a name. Reading rejects with `ENOENT` when there are none. */
export type OpenStoredFile = (storedName: string) => AsyncIterable<Uint8Array>

/**
 * Needs a person: an export contains an upload whose bytes are not on record. It is not sealed until they are,
 * because a sealed export promises that every file it names can be shown.
 */
export class StoredFileProblem extends Error {
  override name = 'StoredFileProblem'
}

/** Throws a `StoredFileProblem` that names the file unless the compliance file store has exactly its bytes. */
export async function checkStoredFile(open: OpenStoredFile, { storedName, size, sha256 }: StoredFile): Promise<void> {
  if (!SAFE_NAME.test(storedName))
    throw new StoredFileProblem(`${JSON.stringify(storedName)} is no name of a stored file.`)
  const hash = createHash('sha256')
  let read = 0
  try {
    for await (const bytes of open(storedName)) {
      hash.update(bytes)
      read += bytes.byteLength
    }
  } catch (cause) {
    if (cause instanceof StoredFileProblem) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? 'is not in the compliance file store'
        : `cannot be read from the compliance file store (${code ?? message})`
    throw new StoredFileProblem(`The file ${storedName} ${why}. Restore it.`, { cause })
  }
  if (read !== size || hash.digest('hex') !== sha256)
    throw new StoredFileProblem(
      `The file ${storedName} in the compliance file store is not the uploaded one: it has ${read} bytes of ${size}, or others. Restore it.`,
    )
}

/** Reads from `<directory>/<first two characters of the name>/<name>`. Without a directory every file is a problem. */
export function storedFilesIn(directory: string | undefined): OpenStoredFile {
  return async function* (storedName) {
    if (directory === undefined) {
      throw new StoredFileProblem(
        `The file ${storedName} was uploaded, but this worker has no compliance file store configured. Set HANSARD_COMPLIANCE_FILE_STORE.`,
      )
    }
    yield* createReadStream(join(directory, storedName.slice(0, 2), storedName)) as AsyncIterable<Uint8Array>
  }
}

/** The name comes from an event and becomes a path: check it. */
const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-][A-Za-z0-9._-]{0,250}$/
