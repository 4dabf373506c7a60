import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Writes a file that is whole or absent, whatever happens on the way.
 *
 * The danger is a file that looks finished and is not: a crash, a full disk or a lost server leaves the beginning of
 * it under its final name, and somebody archives that. So the bytes go to a temporary name in the same directory and
 * are flushed to the disk; then one rename puts them in place, and the directory is flushed so that the name outlives
 * a power cut too. When the promise resolves, all of it has happened.
 *
 * A file that holds the same bytes already is left untouched: its time stamps, and whoever is reading it, notice
 * nothing. Writing is therefore free to happen again after a crash.
 *
 * `beforeRename` is asked last, when all that is left is to put the file in place: what it throws keeps it from that.
 */
export async function writeDurably(
  directory: string,
  name: string,
  content: Content,
  { beforeRename }: { beforeRename?: () => Promise<void> } = {},
): Promise<WrittenFile> {
  const temporary = join(directory, `${TEMPORARY_PREFIX}${name}.${randomUUID()}`)
  const final = join(directory, name)
  try {
    const { size, sha256 } = await writeFlushed(temporary, content)
    if ((await digestOf(final))?.sha256 === sha256) {
      await rm(temporary)
      // The run before this one may have died between its rename and its flush of the directory.
      await flushDirectory(directory)
      return { name, size, sha256, replaced: false }
    }
    await beforeRename?.()
    await rename(temporary, final)
    await flushDirectory(directory)
    return { name, size, sha256, replaced: true }
  } catch (error) {
    // A disk that is full is made no fuller by the attempt. If even this fails, `clearTemporaries` finds it later.
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
}

/** Bytes, a text, or a stream of either for what is too large to hold. */
export type Content = Uint8Array | string | AsyncIterable<Uint8Array | string>

export type WrittenFile = {
  readonly name: string
  readonly size: number
  readonly sha256: string
  /** false when the same bytes stood there already */
  readonly replaced: boolean
}

// A leading dot: pickup programs that take "*.xml" or skip hidden files never see one half-way.
const TEMPORARY_PREFIX = '.hansard-'

/** Removes what writers that died left behind. Only the one writer of a directory may call this. */
export async function clearTemporaries(directory: string): Promise<string[]> {
  const left = (await readdir(directory)).filter((name) => name.startsWith(TEMPORARY_PREFIX))
  for (const name of left) await rm(join(directory, name), { force: true })
  return left
}

/** Removes files by name and flushes the directory. A file that is not there is fine. What `beforeEach` throws ends it. */
export async function removeDurably(
  directory: string,
  names: readonly string[],
  { beforeEach }: { beforeEach?: () => Promise<void> } = {},
): Promise<void> {
  for (const name of names) {
    await beforeEach?.()
    await rm(join(directory, name), { force: true })
  }
  if (names.length > 0) await flushDirectory(directory)
}

/** Size and SHA-256 of a file, or undefined when there is none. */
export async function digestOf(path: string): Promise<{ size: number; sha256: string } | undefined> {
  const hash = createHash('sha256')
  let size = 0
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) {
      hash.update(chunk)
      size += chunk.byteLength
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return { size, sha256: hash.digest('hex') }
}

async function writeFlushed(path: string, content: Content): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  const file = await open(path, 'wx', 0o640)
  try {
    for await (const piece of pieces(content)) {
      const bytes = typeof piece === 'string' ? Buffer.from(piece, 'utf8') : piece
      hash.update(bytes)
      size += bytes.byteLength
      await writeAll(file, bytes)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { size, sha256: hash.digest('hex') }
}

async function* pieces(content: Content): AsyncGenerator<Uint8Array | string> {
  if (typeof content === 'string' || content instanceof Uint8Array) yield content
  else yield* content
}

/**
 * Writes all of the bytes, from `position` on or where the file stands. A write may take fewer bytes than it was given, on
 * a nearly full disk in particular.
 */
export async function writeAll(file: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  let done = 0
  while (done < bytes.byteLength) {
    const at = position === undefined ? null : position + done
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, at)
    done += bytesWritten
  }
}

/** Flushes a directory, so that the names in it outlive a power cut. */
export async function flushDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
