import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clearTemporaries, digestOf, removeDurably, writeAll, writeDurably } from './write-durably.ts'

const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex')

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hansard-durable-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

describe('writing durably', () => {
  it('leaves one whole file and nothing else', async () => {
    const written = await writeDurably(directory, 'a.xml', 'caffè')

    expect(written).toEqual({ name: 'a.xml', size: 6, sha256: sha256('caffè'), replaced: true })
    expect(await readFile(join(directory, 'a.xml'), 'utf8')).toBe('caffè')
    expect(await readdir(directory)).toEqual(['a.xml'])
  })

  it('writes a stream piece by piece', async () => {
    async function* lines() {
      yield 'one\n'
      yield Buffer.from('two\n')
    }
    const written = await writeDurably(directory, 'chain.txt', lines())

    expect(written).toMatchObject({ size: 8, sha256: sha256('one\ntwo\n') })
    expect(await readFile(join(directory, 'chain.txt'), 'utf8')).toBe('one\ntwo\n')
  })

  it('does not touch a file with the same bytes', async () => {
    await writeDurably(directory, 'a.xml', 'same')
    const before = await stat(join(directory, 'a.xml'), { bigint: true })

    const again = await writeDurably(directory, 'a.xml', 'same')

    const after = await stat(join(directory, 'a.xml'), { bigint: true })
    expect(again.replaced).toBe(false)
    expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs])
    expect(await readdir(directory)).toEqual(['a.xml'])
  })

  it('replaces a file with other bytes, such as a half-written one', async () => {
    await writeFile(join(directory, 'a.xml'), '<Conversa')
    expect(await writeDurably(directory, 'a.xml', '<Conversations/>')).toMatchObject({ replaced: true })
    expect(await readFile(join(directory, 'a.xml'), 'utf8')).toBe('<Conversations/>')
  })

  it('keeps the old file, and removes the new one, when its content fails half-way', async () => {
    await writeDurably(directory, 'a.xml', 'old')
    async function* failing() {
      yield 'new'
      throw new Error('the database went away')
    }
    await expect(writeDurably(directory, 'a.xml', failing())).rejects.toThrow('the database went away')
    expect(await readFile(join(directory, 'a.xml'), 'utf8')).toBe('old')
    expect(await readdir(directory)).toEqual(['a.xml'])
  })

  it('calls the check again before the rename, and before each removal', async () => {
    await writeDurably(directory, 'a.xml', 'sealed by another')
    const refuse = async () => {
      throw new Error('the lease is lost')
    }
    await expect(writeDurably(directory, 'a.xml', 'mine', { beforeRename: refuse })).rejects.toThrow('lease is lost')
    await expect(removeDurably(directory, ['a.xml'], { beforeEach: refuse })).rejects.toThrow('lease is lost')
    expect(await readFile(join(directory, 'a.xml'), 'utf8')).toBe('sealed by another')
    expect(await readdir(directory)).toEqual(['a.xml'])
  })

  it('reports a missing directory, and does not create it', async () => {
    await rm(directory, { recursive: true })
    await expect(writeDurably(directory, 'a.xml', 'x')).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await digestOf(directory)).toBeUndefined()
  })

  it('leaves no half file on a full disk', async ({ skip }) => {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'hansard-test', directory], { stdio: 'ignore' })
    } catch {
      skip('a small disk could not be mounted: that takes root')
    }
    try {
      await expect(writeDurably(directory, 'a.xml', Buffer.alloc(200_000))).rejects.toMatchObject({ code: 'ENOSPC' })
      expect(await readdir(directory)).toEqual([])
    } finally {
      execFileSync('umount', [directory])
    }
  })

  it('removes exactly the files that a dead writer left', async () => {
    await writeFile(join(directory, '.hansard-a.xml.3c1f'), 'half')
    await writeFile(join(directory, 'a.xml'), 'whole')
    expect(await clearTemporaries(directory)).toEqual(['.hansard-a.xml.3c1f'])
    expect(await readdir(directory)).toEqual(['a.xml'])
  })

  it('removes files by name, and ignores a missing one', async () => {
    await writeFile(join(directory, 'a.xml'), '')
    await removeDurably(directory, ['a.xml', 'b.xml'])
    expect(await readdir(directory)).toEqual([])
  })

  it('hashes files as streams, and returns undefined for a missing one', async () => {
    const bytes = Buffer.alloc(300_000, 7)
    await writeFile(join(directory, 'big'), bytes)
    expect(await digestOf(join(directory, 'big'))).toEqual({ size: 300_000, sha256: sha256(bytes) })
    expect(await digestOf(join(directory, 'none'))).toBeUndefined()
  })

  it('does not take a file that cannot be read for a missing one', async () => {
    await expect(digestOf(directory)).rejects.toMatchObject({ code: 'EISDIR' })
  })

  it.each([
    [undefined, '....hello world'],
    [2, '..hello world'],
  ])('writes on where a short write has ended, at position %s', async (position, expected) => {
    const path = join(directory, 'short')
    await writeFile(path, '....')
    const file = await open(path, position === undefined ? 'a' : 'r+')
    const write = file.write.bind(file) as (bytes: Uint8Array, from: number, size: number, at: number | null) => unknown
    // A nearly full disk takes fewer bytes than it is given.
    const short = (bytes: Uint8Array, from: number, size: number, at: number | null) =>
      write(bytes, from, Math.min(size, 3), at)
    Object.defineProperty(file, 'write', { value: short })

    await writeAll(file, Buffer.from('hello world'), position)

    await file.close()
    expect(await readFile(path, 'utf8')).toBe(expected)
  })
})
