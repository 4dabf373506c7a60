import { createHash, randomUUID } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { digestOf, flushDirectory, writeAll } from '@hansard/durable-file'
import { ContentChanged, FileStoreFull, PlacedOtherwise, WrongOffset, WrongStore } from './store-errors.ts'
import { isFileId, isStoredName } from './stored-name.ts'

/**
 * A file store: a directory, on a disk that all servers of the pool may share, in which a stored file never changes.
 *
 * `incoming/<guid>` is what has arrived of a file, in pieces, over any number of requests and servers.
 * `<xx>/<guid>.<ext>` is a complete file. `quarantine/<guid>.<ext>`, created when first needed, is what the scanner
 * called infected: nothing here opens it again, and only its owner may read it.
 *
 * The danger is two servers that finish one upload at once, one of them long presumed dead. So each copies what
 * arrived to a name of its own, hashing on the way, and puts the copy in place with a hard link, which never
 * replaces. The first wins; the second learns whether the same bytes are there. Nothing here writes to a stored file
 * or deletes one, except `remove`, for files the database has given up for good.
 */
export type FileStore = {
  /**
   * Checks that this is the store with that identity, and returns the identity. Without an argument it accepts the
   * identity it finds, or creates one. Afterwards nothing is stored while the identity is absent: an unmounted share
   * looks like an empty store, and bytes put there would be lost to all other servers. Rejects with `WrongStore`.
   */
  identify(known: string | undefined): Promise<string>
  /** Bytes of the file that have arrived so far; 0 when none have. */
  received(fileId: string): Promise<number>
  /**
   * Appends `content` at `offset` and flushes it, never beyond `sizeMax` in all. If the content would exceed it,
   * nothing of this call is kept (`excess`); the same holds when the disk is full. When `content` fails half-way, the
   * bytes before the failure are kept and its error is thrown.
   */
  receive(
    fileId: string,
    content: AsyncIterable<Uint8Array>,
    at: { offset: number; sizeMax: number },
  ): Promise<Received>
  /** What has arrived. */
  readIncoming(fileId: string): AsyncIterable<Uint8Array>
  /** Size and SHA-256 of what has arrived, as read from the disk. */
  digestIncoming(fileId: string): Promise<{ size: number; sha256: string } | undefined>
  /**
   * Stores a file, complete and durable, if its content has the expected size and hash. Idempotent: if the file is
   * already there with the expected content, it is made durable and `content` is not read.
   */
  place(storedName: string, content: AsyncIterable<Uint8Array>, expected: Digest): Promise<void>
  /** Size and SHA-256 of a stored file as read from the disk; undefined when there is none. */
  digest(storedName: string): Promise<Digest | undefined>
  /** Opens a stored file; undefined when there is none. The caller closes it. */
  open(storedName: string): Promise<OpenedFile | undefined>
  /** Stores a file in quarantine as `place` stores one: complete, durable, and where `open` does not find it. */
  quarantine(storedName: string, content: AsyncIterable<Uint8Array>, expected: Digest): Promise<void>
  /** Deletes what has arrived. */
  discard(fileId: string): Promise<void>
  /** Deletes a file, from quarantine too. Only for files that nobody can still be storing. */
  remove(storedName: string): Promise<void>
  /** Ids of the files with anything under `incoming/`: pieces, or copies that a dead process left. */
  incomingIds(): Promise<string[]>
}

export type Digest = { readonly size: number; readonly sha256: string }
type Received =
  | { readonly kind: 'received' /** bytes of the file that have arrived in total */; readonly size: number }
  | { readonly kind: 'excess' }
export type OpenedFile = {
  readonly size: number
  /** Bytes `start` to `end`, both inclusive. Reading to the end or destroying the stream leaves the file open. */
  read(start: number, end: number): Readable
  close(): Promise<void>
}

const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW
const WRITE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const WRITE_SOME = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW

/** Creates the subdirectories. The directory itself, or its parent, must exist. */
export async function openFileStore(directory: string): Promise<FileStore> {
  const root = resolve(directory)
  const incoming = join(root, 'incoming')
  const quarantined = join(root, 'quarantine')
  for (const each of [root, incoming]) await makeDirectory(each)
  await flushDirectory(root)

  const identityPath = join(root, 'store-id')
  let identity: string | undefined

  const readIdentity = async () => (await absent(readFile(identityPath, 'utf8')))?.trim()

  const incomingPath = (fileId: string) => join(incoming, checked(isFileId, fileId))
  const quarantinePath = (storedName: string) => join(quarantined, checked(isStoredName, storedName))
  const shelfOf = (storedName: string) => join(root, checked(isStoredName, storedName).slice(0, 2))
  const keptPath = (storedName: string) => join(shelfOf(storedName), storedName)

  async function received(fileId: string): Promise<number> {
    const found = await absent(lstat(incomingPath(fileId)))
    return found?.isFile() ? found.size : 0
  }

  async function* readIncoming(fileId: string): AsyncGenerator<Uint8Array> {
    const file = await open(incomingPath(fileId), READ_ONLY)
    try {
      yield* piecesOf(file)
    } finally {
      await file.close()
    }
  }

  async function put(
    storedName: string,
    content: AsyncIterable<Uint8Array>,
    { expected, shelf, mode }: { expected: Digest; shelf: string; mode: number },
  ): Promise<void> {
    if (identity !== undefined && (await readIdentity()) !== identity) throw new WrongStore(root)
    const final = join(shelf, checked(isStoredName, storedName))
    const existing = await digestOf(final)
    if (existing?.sha256 === expected.sha256 && existing.size === expected.size) {
      // The process that stored it may have died before its flush.
      await flushDirectory(root)
      return flushDirectory(shelf)
    }
    if (existing) throw new PlacedOtherwise(`${storedName} has different content.`)
    const copy = join(incoming, `${storedName}.${randomUUID()}`)
    try {
      await writeCopy(copy, content, { expected, mode })
      await roomOrFull(mkdir(shelf, { mode: 0o700 })).catch(unlessThere)
      await flushDirectory(root)
      try {
        await roomOrFull(link(copy, final))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        const meanwhile = await digestOf(final)
        if (meanwhile?.sha256 !== expected.sha256) throw new PlacedOtherwise(`${storedName} has different content.`)
      }
      // Flush an existing file too: the process that stored it may have died before its flush.
      await flushDirectory(shelf)
    } finally {
      await rm(copy, { force: true })
    }
  }

  return {
    received,
    async identify(known) {
      if (known === undefined && (await readIdentity()) === undefined) {
        // Complete or absent, and never in place of a file that another service stores at the same moment.
        const own = join(incoming, `store-id.${randomUUID()}`)
        await writeFile(own, `${randomUUID()}\n`, { mode: 0o600, flag: 'wx', flush: true })
        await link(own, identityPath).catch(unlessThere)
        await rm(own)
        await flushDirectory(root)
      }
      const found = await readIdentity()
      if (found === undefined || (known ?? found) !== found) throw new WrongStore(root)
      identity = found
      return found
    },
    readIncoming,
    digestIncoming: (fileId) => digestOf(incomingPath(fileId)),

    async receive(fileId, content, { offset, sizeMax }) {
      const path = incomingPath(fileId)
      const before = await received(fileId)
      if (offset !== before && offset !== 0) throw new WrongOffset(before)
      const file = await roomOrFull(open(path, WRITE_SOME, 0o600))
      let size = offset
      try {
        if (before === 0) await flushDirectory(incoming)
        // Starts over: earlier bytes no longer count.
        if (offset < before) await file.truncate(offset)
        for await (const piece of content) {
          if (size + piece.byteLength > sizeMax) {
            await takeBack(file, offset)
            return { kind: 'excess' }
          }
          await roomOrFull(writeAll(file, piece, size))
          size += piece.byteLength
        }
        // Some disks report only now that they are full.
        await roomOrFull(file.sync())
        return { kind: 'received', size }
      } catch (error) {
        if (error instanceof FileStoreFull) await takeBack(file, offset)
        else await file.sync()
        throw error
      } finally {
        await file.close()
      }
    },

    place: async (storedName, content, expected) =>
      put(storedName, content, { expected, shelf: shelfOf(storedName), mode: 0o600 }),
    quarantine: async (storedName, content, expected) =>
      put(storedName, content, { expected, shelf: quarantined, mode: 0o400 }),

    digest: (storedName) => digestOf(keptPath(storedName)),

    async open(storedName) {
      const file = await absent(open(keptPath(storedName), READ_ONLY))
      if (!file) return undefined
      const { size } = await file.stat()
      return {
        size,
        read: (start, end) => createReadStream('', { fd: file, start, end, autoClose: false, emitClose: true }),
        close: () => file.close(),
      }
    },

    async discard(fileId) {
      const own = (await readdir(incoming)).filter((name) => name.startsWith(checked(isFileId, fileId)))
      for (const name of own) await rm(join(incoming, name), { force: true })
    },

    async remove(storedName) {
      for (const path of [keptPath(storedName), quarantinePath(storedName)]) {
        await rm(path, { force: true })
        await absent(flushDirectory(dirname(path)))
      }
    },

    async incomingIds() {
      const ids = (await readdir(incoming)).map((name) => name.slice(0, 36))
      return [...new Set(ids.filter(isFileId))]
    },
  }
}

async function writeCopy(
  path: string,
  content: AsyncIterable<Uint8Array>,
  { expected, mode }: { expected: Digest; mode: number },
): Promise<void> {
  const hash = createHash('sha256')
  let size = 0
  const file = await roomOrFull(open(path, WRITE_NEW, mode))
  try {
    for await (const piece of content) {
      hash.update(piece)
      size += piece.byteLength
      if (size > expected.size) break
      await roomOrFull(writeAll(file, piece))
    }
    await roomOrFull(file.sync())
  } finally {
    await file.close()
  }
  if (size !== expected.size || hash.digest('hex') !== expected.sha256)
    throw new ContentChanged('The received content has changed since its hash was computed.')
}

async function takeBack(file: FileHandle, size: number): Promise<void> {
  await file.truncate(size)
  await file.sync()
}

const PIECE = 256 * 1_024

async function* piecesOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE), 0, PIECE)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch(unlessThere)
  if (!(await stat(path)).isDirectory()) throw new Error(`${path} is not a directory.`)
}

/** The last line of defence: whatever a caller forgot, only a name of ours becomes a path. */
function checked(isOurs: (name: string) => boolean, name: string): string {
  if (!isOurs(name)) throw new Error('A file was requested by an invalid name.')
  return name
}

/** Maps the error for a missing file to undefined. A symbolic link counts as missing: we create none. */
async function absent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes(String((error as NodeJS.ErrnoException).code))) return undefined
    throw error
  }
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

async function roomOrFull<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes(String((error as NodeJS.ErrnoException).code))) throw error
    throw new FileStoreFull('The disk of the file store is full.', { cause: error })
  }
}
