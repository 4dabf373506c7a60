import { mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSecretFile, replaceSecretFile } from './secret-file.ts'
import { type Disk, flushDirectory, removeDurably, writeDurably } from './write-durably.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hansard-flushes-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** The real disk, and what was asked of it, in order. Temporary names differ each time: they are shown as `(new)`. */
function watchedDisk(): { disk: Disk; asked: string[] } {
  const asked: string[] = []
  const nameOf = (path: unknown) => {
    const name = basename(String(path))
    if (name === basename(directory)) return '(directory)'
    return name.startsWith('.hansard-') ? '(new)' : name
  }
  const disk = {
    async open(...args: Parameters<typeof open>) {
      const handle = await open(...args)
      const name = nameOf(args[0])
      for (const call of ['write', 'sync', 'close'] as const) {
        const real = handle[call].bind(handle) as (...given: unknown[]) => Promise<unknown>
        const watched = async (...given: unknown[]) => {
          const result = await real(...given)
          asked.push(`${call} ${name}`)
          return result
        }
        Object.defineProperty(handle, call, { value: watched })
      }
      return handle
    },
    async rename(...args: Parameters<typeof rename>) {
      await rename(...args)
      asked.push(`rename ${nameOf(args[0])} to ${nameOf(args[1])}`)
    },
    async rm(...args: Parameters<typeof rm>) {
      await rm(...args)
      asked.push(`rm ${nameOf(args[0])}`)
    },
  } as Disk
  return { disk, asked }
}

describe('what survives a power failure', () => {
  it('the bytes are flushed before the file gets its name, and the name is flushed before anybody is told', async () => {
    const { disk, asked } = watchedDisk()
    const beforeRename = async () => void asked.push('(last check)')

    await writeDurably(directory, 'a.xml', 'text', { disk, beforeRename })

    expect(asked).toEqual([
      'write (new)',
      'sync (new)',
      'close (new)',
      '(last check)',
      'rename (new) to a.xml',
      'sync (directory)',
      'close (directory)',
    ])
  })

  it('the name of a file that was there already is flushed too: its writer may have died before it did that', async () => {
    await writeFile(join(directory, 'a.xml'), 'text')
    const { disk, asked } = watchedDisk()

    expect(await writeDurably(directory, 'a.xml', 'text', { disk })).toMatchObject({ replaced: false })

    expect(asked.slice(-3)).toEqual(['rm (new)', 'sync (directory)', 'close (directory)'])
    expect(asked.filter((call) => call.startsWith('rename'))).toEqual([])
  })

  it('nothing is put in place when its bytes cannot be flushed', async () => {
    const { disk } = watchedDisk()
    const failing: Disk = {
      ...disk,
      async open(...args: Parameters<typeof open>) {
        const handle = await open(...args)
        const refuse = async () => {
          throw Object.assign(new Error('input/output error'), { code: 'EIO' })
        }
        Object.defineProperty(handle, 'sync', { value: refuse })
        return handle
      },
    } as Disk

    await expect(writeDurably(directory, 'a.xml', 'text', { disk: failing })).rejects.toMatchObject({ code: 'EIO' })
    expect(await readdir(directory)).toEqual([])
    await expect(flushDirectory(directory, failing)).rejects.toMatchObject({ code: 'EIO' })
  })

  it('a secret file is flushed before and after it gets its name, stays when it is there, and is its owner’s', async () => {
    const file = join(directory, 'keys.json')
    const { disk, asked } = watchedDisk()

    expect(await createSecretFile(file, 'first', { disk })).toBe('created')
    const calls = asked.map((call) => call.replace(/keys\.json\.[0-9a-f]+\.new/, '(new)'))
    expect(calls).toEqual(['sync (new)', 'close (new)', 'sync (directory)', 'close (directory)'])
    expect(await createSecretFile(file, 'second')).toBe('kept')
    expect(await readFile(file, 'utf8')).toBe('first')
    await replaceSecretFile(file, 'third')
    expect(await readFile(file, 'utf8')).toBe('third')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(directory)).toEqual(['keys.json'])
  })

  it('a removal is flushed once, after the last file, and no removal flushes nothing', async () => {
    await writeFile(join(directory, 'a.xml'), '')
    const { disk, asked } = watchedDisk()

    await removeDurably(directory, ['a.xml', 'b.xml'], { disk })
    expect(asked).toEqual(['rm a.xml', 'rm b.xml', 'sync (directory)', 'close (directory)'])

    asked.length = 0
    await removeDurably(directory, [], { disk })
    expect(asked).toEqual([])
  })
})
