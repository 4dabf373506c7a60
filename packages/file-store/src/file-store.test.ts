import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ContentChanged,
  type FileStore,
  FileStoreFull,
  newFileId,
  openFileStore,
  PlacedOtherwise,
  storedNameOf,
  WrongOffset,
  WrongStore,
} from './index.ts'

const digest = (bytes: Uint8Array) => ({
  size: bytes.byteLength,
  sha256: createHash('sha256').update(bytes).digest('hex'),
})
async function* pieces(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part)
}

describe('a file store', () => {
  let directory: string
  let store: FileStore
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hansard-files-'))
    store = await openFileStore(directory)
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  const everything = async () =>
    (await readdir(directory, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((e) => e.name)

  describe('receiving', () => {
    it('accepts a file in pieces, over any number of calls and openings of the store', async () => {
      const id = newFileId()
      expect(await store.receive(id, pieces('one ', 'two '), { offset: 0, sizeMax: 13 })).toEqual({
        kind: 'received',
        size: 8,
      })
      const another = await openFileStore(directory)
      expect(await another.received(id)).toBe(8)
      expect(await another.receive(id, pieces('three'), { offset: 8, sizeMax: 13 })).toEqual({
        kind: 'received',
        size: 13,
      })
      expect(await another.digestIncoming(id)).toEqual(digest(Buffer.from('one two three')))
    })

    it('refuses a piece that does not begin where the previous one ended, and reports that offset', async () => {
      const id = newFileId()
      await store.receive(id, pieces('12345'), { offset: 0, sizeMax: 10 })
      for (const offset of [3, 6, 10]) {
        const refused = await store.receive(id, pieces('x'), { offset, sizeMax: 10 }).catch((error) => error)
        expect(refused).toBeInstanceOf(WrongOffset)
        expect(refused.received).toBe(5)
      }
      expect(await store.received(id)).toBe(5)
    })

    it('starts over when a piece begins at 0', async () => {
      const id = newFileId()
      await store.receive(id, pieces('a first try'), { offset: 0, sizeMax: 20 })
      await store.receive(id, pieces('second'), { offset: 0, sizeMax: 20 })
      expect(await store.digestIncoming(id)).toEqual(digest(Buffer.from('second')))
    })

    it('stores nothing of a piece that exceeds the announced size', async () => {
      const id = newFileId()
      await store.receive(id, pieces('12345'), { offset: 0, sizeMax: 8 })
      expect(await store.receive(id, pieces('67', '89'), { offset: 5, sizeMax: 8 })).toEqual({ kind: 'excess' })
      expect(await store.digestIncoming(id)).toEqual(digest(Buffer.from('12345')))
    })

    it('keeps the bytes from before the connection broke', async () => {
      const id = newFileId()
      async function* breaking() {
        yield Buffer.from('half')
        throw new Error('reset by peer')
      }
      await expect(store.receive(id, breaking(), { offset: 0, sizeMax: 8 })).rejects.toThrow('reset by peer')
      expect(await store.received(id)).toBe(4)
    })

    it('discards all of a file and nothing of another', async () => {
      const [id, other] = [newFileId(), newFileId()]
      for (const each of [id, other]) await store.receive(each, pieces('x'), { offset: 0, sizeMax: 1 })
      await writeFile(join(directory, 'incoming', `${id}.txt.${newFileId()}`), 'a copy that a dead process left')
      expect((await store.incomingIds()).sort()).toEqual([id, other].sort())
      await store.discard(id)
      expect(await store.incomingIds()).toEqual([other])
    })
  })

  describe('putting in place', () => {
    it('stores a whole file, whose ranges can be read, and leaves nothing else', async () => {
      const id = newFileId()
      const name = storedNameOf(id, 'a.txt')
      const content = Buffer.from('what is kept')
      await store.place(name, pieces('what is ', 'kept'), digest(content))

      const opened = (await store.open(name))!
      expect(opened.size).toBe(content.byteLength)
      expect((await buffer(opened.read(0, 11))).toString()).toBe('what is kept')
      expect((await buffer(opened.read(5, 6))).toString()).toBe('is')
      await opened.close()
      expect(await everything()).toEqual([name])
      expect(await readFile(join(directory, name.slice(0, 2), name), 'utf8')).toBe('what is kept')
    })

    it('is idempotent, also concurrently, when the content is the same', async () => {
      const name = storedNameOf(newFileId(), 'a.txt')
      const again = () => store.place(name, pieces('same'), digest(Buffer.from('same')))
      await Promise.all([again(), again(), again()])
      await again()
      expect(await everything()).toEqual([name])
    })

    it('never replaces a stored file: the first of two contents stays', async () => {
      const name = storedNameOf(newFileId(), 'a.txt')
      const results = await Promise.allSettled(
        ['one', 'two', 'six'].map((text) => store.place(name, pieces(text), digest(Buffer.from(text)))),
      )
      const done = results.filter(({ status }) => status === 'fulfilled')
      expect(done).toHaveLength(1)
      for (const result of results)
        if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(PlacedOtherwise)
      expect(await everything()).toEqual([name])
    })

    it('refuses content that differs from what was hashed, and leaves no file behind', async () => {
      const name = storedNameOf(newFileId(), 'a.txt')
      const expected = digest(Buffer.from('as scanned'))
      for (const text of ['as altered', 'short', 'as scanned, and more'])
        await expect(store.place(name, pieces(text), expected)).rejects.toThrow(ContentChanged)
      expect(await store.open(name)).toBeUndefined()
      expect(await everything()).toEqual([])
    })

    it('follows no planted link', async () => {
      const name = storedNameOf(newFileId(), 'a.txt')
      const id = newFileId()
      await writeFile(join(directory, 'secret'), 'secret')
      await mkdir(join(directory, name.slice(0, 2)))
      await symlink(join(directory, 'secret'), join(directory, name.slice(0, 2), name))
      await symlink(join(directory, 'secret'), join(directory, 'incoming', id))

      expect(await store.open(name)).toBeUndefined()
      await expect(store.receive(id, pieces('x'), { offset: 0, sizeMax: 9 })).rejects.toMatchObject({ code: 'ELOOP' })
      expect(await readFile(join(directory, 'secret'), 'utf8')).toBe('secret')
    })

    it('quarantines an infected file, where no name opens it', async () => {
      const id = newFileId()
      const name = storedNameOf(id, 'a.exe')
      await store.receive(id, pieces('bad'), { offset: 0, sizeMax: 3 })
      const setApart = () => store.quarantine(name, store.readIncoming(id), digest(Buffer.from('bad')))
      await setApart()
      await setApart()
      await expect(store.quarantine(name, pieces('new'), digest(Buffer.from('new')))).rejects.toThrow(PlacedOtherwise)
      await store.discard(id)
      expect(await store.open(name)).toBeUndefined()
      const path = join(directory, 'quarantine', name)
      expect(await readFile(path, 'utf8')).toBe('bad')
      expect([(await stat(path)).mode & 0o777, (await stat(join(directory, 'quarantine'))).mode & 0o777]).toEqual([
        0o400, 0o700,
      ])
      expect(await everything()).toEqual([name])
      await store.remove(name)
      expect(await everything()).toEqual([])
    })
  })

  it('recognises its identity, and stores nothing elsewhere: an unmounted share looks like an empty store', async () => {
    const others = await Promise.all([openFileStore(directory), openFileStore(directory)])
    const [one, two, three] = await Promise.all([store, ...others].map((each) => each.identify(undefined)))
    expect([two, three]).toEqual([one, one])
    await expect(store.identify('another')).rejects.toThrow(WrongStore)
    const name = storedNameOf(newFileId(), 'a')
    const put = () => store.place(name, pieces('x'), digest(Buffer.from('x')))

    await rename(join(directory, 'store-id'), join(directory, 'away'))
    await expect((await openFileStore(directory)).identify(one)).rejects.toThrow(WrongStore)
    await expect(put()).rejects.toThrow(WrongStore)
    expect(await everything()).toEqual(['away'])
    await rename(join(directory, 'away'), join(directory, 'store-id'))
    await put()
  })

  it('makes no path from a foreign name, in any of its methods', async () => {
    const id = newFileId()
    await writeFile(join(directory, 'outside'), 'outside')
    const names = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '../outside',
        '..',
        '.',
        '',
        'quarantine',
        'incoming',
        `../${id}`,
        `${id}/../../outside`,
        `${id}\0`,
      ),
      fc.constantFrom(
        `${id}\n`,
        `${id}.txt\n`,
        `${id}.tar.gz`,
        id.toUpperCase(),
        `${id}.${'a'.repeat(17)}`,
        `${id}.t/t`,
        '%2e%2e',
      ),
    )
    await fc.assert(
      fc.asyncProperty(names, async (name) => {
        const doors: (() => Promise<unknown>)[] = [
          () => store.received(name),
          () => store.receive(name, pieces('x'), { offset: 0, sizeMax: 1 }),
          () => store.place(name, pieces('x'), digest(Buffer.from('x'))),
          () => store.open(name),
          () => store.quarantine(name, pieces('x'), digest(Buffer.from('x'))),
          () => store.remove(name),
          async () => store.digestIncoming(name),
          async () => buffer(store.readIncoming(name)),
        ]
        for (const door of doors) await expect(door()).rejects.toThrow('invalid name')
      }),
      { numRuns: 2_000 },
    )
    expect(await everything()).toEqual(['outside'])
  })

  describe('on a full disk', () => {
    beforeEach(() => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'hansard-test', directory])
    })
    afterEach(() => {
      execFileSync('umount', [directory])
    })

    it('reports it, keeps the earlier bytes, and accepts the rest when there is space', async ({ skip }) => {
      if (process.getuid?.() !== 0) skip('a small disk can be mounted by root only')
      store = await openFileStore(directory)
      const id = newFileId()
      const piece = Buffer.alloc(100_000, 1)
      await store.receive(id, pieces(piece), { offset: 0, sizeMax: 1e6 })
      await expect(store.receive(id, pieces(piece, piece, piece), { offset: 100_000, sizeMax: 1e6 })).rejects.toThrow(
        FileStoreFull,
      )
      expect(await store.received(id)).toBe(100_000)

      const name = storedNameOf(id, 'a')
      await store.receive(id, pieces(piece), { offset: 100_000, sizeMax: 1e6 })
      const whole = digest(Buffer.concat([piece, piece]))
      await expect(store.place(name, store.readIncoming(id), whole)).rejects.toThrow(FileStoreFull)
      expect(await everything()).toEqual([id])
      expect(await store.received(id)).toBe(200_000)
    })
  })
})
