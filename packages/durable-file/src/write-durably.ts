import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Writes a file that is either complete or absent, whatever happens meanwhile.
 *
 * The danger is a file that looks finished and is not: a crash, a full disk or a lost server leaves its beginning
 * under its final name, and somebody archives it. So the bytes go to a temporary name in the same directory and are
 * flushed; a rename puts the file in place; the directory is flushed, so that the name survives a power failure. When
 * the promise resolves, all of this has happened.
 *
 * A file that already holds the same bytes is left untouched, time stamps included, so writing may be repeated after
 * a crash.
 *
 * `beforeRename` runs last, when only the rename is left; if it throws, the file is not put in place. `disk` is the
 * disk unless a test watches the order of the calls, which no file shows afterwards.
 */
export async function writeDurably(
  directory: string,
  name: string,
  content: Content,
  { beforeRename, mode = 0o640, disk = DISK }: { beforeRename?: () => Promise<void>; mode?: number; disk?: Disk } = {},
): Promise<WrittenFile> {
  const temporary = join(directory, `${TEMPORARY_PREFIX}${name}.${randomUUID()}`)
  const final = join(directory, name)
  try {
    const { size, sha256 } = await writeFlushed(temporary, content, { mode, disk })
    if ((await digestOf(final))?.sha256 === sha256) {
      await disk.rm(temporary)
      // The previous run may have died between its rename and the flush of the directory.
      await flushDirectory(directory, disk)
      return { name, size, sha256, replaced: false }
    }
    await beforeRename?.()
    await disk.rename(temporary, final)
    await flushDirectory(directory, disk)
    return { name, size, sha256, replaced: true }
  } catch (error) {
    // A failed attempt must not fill a full disk further. If even this fails, `clearTemporaries` finds the file
    // later.
    await disk.rm(temporary, { force: true }).catch(() => {})
    throw error
  }
}

/** The calls whose order decides what survives a power failure. */
export type Disk = Pick<typeof import('node:fs/promises'), 'open' | 'rename' | 'rm'>
export const DISK: Disk = { open, rename, rm }

/** Bytes, a text, or a stream of either for content that is too large for memory. */
export type Content = Uint8Array | string | AsyncIterable<Uint8Array | string>

type WrittenFile = {
  readonly name: string
  readonly size: number
  readonly sha256: string
  /** false when the same bytes were already there */
  readonly replaced: boolean
}

// A leading dot: pickup programs that take "*.xml" or skip hidden files never see one half-way.
const TEMPORARY_PREFIX = '.hansard-'

/** Removes what writers that died left behind. Only the single writer of a directory may call this. */
export async function clearTemporaries(directory: string): Promise<string[]> {
  const left = (await readdir(directory)).filter((name) => name.startsWith(TEMPORARY_PREFIX))
  for (const name of left) await rm(join(directory, name), { force: true })
  return left
}

/**
 * Removes files by name and flushes the directory. A missing file is no error. An error thrown by `beforeEach` ends
 * the removal.
 */
export async function removeDurably(
  directory: string,
  names: readonly string[],
  { beforeEach, disk = DISK }: { beforeEach?: () => Promise<void>; disk?: Disk } = {},
): Promise<void> {
  for (const name of names) {
    await beforeEach?.()
    await disk.rm(join(directory, name), { force: true })
  }
  if (names.length > 0) await flushDirectory(directory, disk)
}

/** Size and SHA-256 of a file; undefined when it does not exist. */
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

async function writeFlushed(
  path: string,
  content: Content,
  { mode, disk }: { mode: number; disk: Disk },
): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  const file = await disk.open(path, 'wx', mode)
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
 * Writes all bytes, from `position` or at the current offset. One write call may take fewer bytes than given, on a
 * nearly full disk in particular.
 */
export async function writeAll(file: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  let done = 0
  while (done < bytes.byteLength) {
    const at = position === undefined ? null : position + done
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, at)
    done += bytesWritten
  }
}

/** Flushes a directory, so that its names survive a power failure. */
export async function flushDirectory(directory: string, disk: Disk = DISK): Promise<void> {
  const handle = await disk.open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
