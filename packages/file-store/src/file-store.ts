import { createHash, randomUUID } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { digestOf, flushDirectory, writeAll } from '@hansard/durable-file'
import { ContentChanged, FileStoreFull, PlacedOtherwise, WrongOffset, WrongStore } from './store-errors.ts'
import { isFileId, isStoredName } from './stored-name.ts'

/**
 * A file store: a directory, on a disk that every server of the pool may share, in which a file that stands never changes.
 *
 * `incoming/<guid>` is what has arrived of a file, in pieces, over any number of requests and servers. `<xx>/<guid>.<ext>`
 * is a whole file. `quarantine/<guid>.<ext>`, which is made when first needed, is what the scanner called infected: nothing
 * here opens it again, and its owner may read it only.
 *
 * The danger is two servers that finish one upload at once, one of them long believed dead. So each copies what arrived to
 * a name of its own, hashing on the way, and puts the copy in place with a link, which never replaces: the first wins, and
 * who comes second is told whether the same bytes stand there. Nothing that stands is written to or taken away here, except
 * by `remove`, which is for files the database has given up for good.
 */
export type FileStore = {
  /**
   * Makes sure that this is the store of that identity, and answers it. Without one it takes the identity that is there,
   * or makes one. From then on nothing is put in place where the identity is not: a share that is not mounted looks like
   * an empty store, and what is put there is lost to everybody else. Rejects with `WrongStore`.
   */
  identify(known: string | undefined): Promise<string>
  /** Bytes of the file that have arrived so far; 0 when none have. */
  received(fileId: string): Promise<number>
  /**
   * Adds what arrives at `offset`, and flushes it. Never more than `sizeMax` in all: what goes beyond is not taken, and
   * then nothing of this call is (`excess`). So it is when the disk is full: what was there before stays. When `content`
   * fails half-way, what came before that is kept, and its error is thrown.
   */
  receive(
    fileId: string,
    content: AsyncIterable<Uint8Array>,
    at: { offset: number; sizeMax: number },
  ): Promise<Received>
  /** What has arrived. */
  readIncoming(fileId: string): AsyncIterable<Uint8Array>
  /** Size and SHA-256 of what has arrived, as it stands on the disk. */
  digestIncoming(fileId: string): Promise<{ size: number; sha256: string } | undefined>
  /**
   * Puts a file in place, whole and durable, if its content is what it should be. Doing it again is fine: what stands there
   * already and is what it should be is made durable, and the content is not read.
   */
  place(storedName: string, content: AsyncIterable<Uint8Array>, expected: Digest): Promise<void>
  /** Size and SHA-256 of a kept file, as it stands on the disk; undefined when there is none. */
  digest(storedName: string): Promise<Digest | undefined>
  /** A kept file, or undefined when there is none. The caller closes it. */
  open(storedName: string): Promise<OpenedFile | undefined>
  /** Puts a file apart, as `place` puts it in place: whole, durable, and where `open` does not find it. */
  quarantine(storedName: string, content: AsyncIterable<Uint8Array>, expected: Digest): Promise<void>
  /** Forgets what has arrived. */
  discard(fileId: string): Promise<void>
  /** Takes a file away, from quarantine too. Only for files nobody can still be putting in place. */
  remove(storedName: string): Promise<void>
  /** Ids of the files of which something lies under `incoming/`, whether pieces or copies a dead process left. */
  incomingIds(): Promise<string[]>
}

export type Digest = { readonly size: number; readonly sha256: string }
export type Received =
  | { readonly kind: 'received' /** bytes of the file that have arrived now */; readonly size: number }
  | { readonly kind: 'excess' }
export type OpenedFile = {
  readonly size: number
  /** Bytes `start` to `end`, both included. Reading to the end or destroying the stream leaves the file open. */
  read(start: number, end: number): Readable
  close(): Promise<void>
}

const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW
const WRITE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const WRITE_SOME = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW

/** Makes the directory's own parts where they are missing. The directory itself must be there, or its parent. */
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
      // Whoever put it there may have died before its flush.
      await flushDirectory(root)
      return flushDirectory(shelf)
    }
    if (existing) throw new PlacedOtherwise(`Another content stands under ${storedName}.`)
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
        if (meanwhile?.sha256 !== expected.sha256)
          throw new PlacedOtherwise(`Another content stands under ${storedName}.`)
      }
      // Also of one that stood there: whoever put it may have died before its flush.
      await flushDirectory(shelf)
    } finally {
      await rm(copy, { force: true })
    }
  }

  return {
    received,
    async identify(known) {
      if (known === undefined && (await readIdentity()) === undefined) {
        // Whole or absent, and never in the place of one that another service made in this moment.
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
        // From the beginning again: what came before counts no more.
        if (offset < before) await file.truncate(offset)
        for await (const piece of content) {
          if (size + piece.byteLength > sizeMax) {
            await takeBack(file, offset)
            return { kind: 'excess' }
          }
          await roomOrFull(writeAll(file, piece, size))
          size += piece.byteLength
        }
        // Some disks find out only now that they are full.
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
    throw new ContentChanged('What arrived is not any more what it was when its hash was taken.')
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

/** The last wall: whatever a caller forgot, nothing but a name of ours becomes a path. */
function checked(isOurs: (name: string) => boolean, name: string): string {
  if (!isOurs(name)) throw new Error('A file was asked for by a name that is none of ours.')
  return name
}

/** What a missing file rejects with becomes undefined. A link in its place counts as missing: we make none. */
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
