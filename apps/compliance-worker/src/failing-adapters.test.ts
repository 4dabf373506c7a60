import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { yieldToEventLoop } from '@hansard/lifecycle'
import { addRequest, findExport, findRequest } from '@hansard/staging'
import { describe, expect, it } from 'vitest'
import { DEFAULT_ADAPTERS } from './adapter-settings.ts'
import { IDENTITY_FILE } from './directory-identity.ts'
import {
  adapterStatus,
  configure,
  ENDLESS,
  MINUTE,
  manifests,
  openBench,
  statusOf,
  story,
  T0,
} from './worker-in-test.ts'

const [XML] = DEFAULT_ADAPTERS

describe('an adapter that cannot continue', () => {
  it('waits while its output directory is missing, says so, and continues when it is back', async () => {
    await using bench = await openBench()
    const worker = await bench.worker()
    const sources = story(bench)
    await bench.deliver(T0 + MINUTE, sources)
    await worker.drain()
    await rename(join(bench.directory, 'xml'), join(bench.directory, 'away'))

    await bench.deliver(T0 + 2 * MINUTE, sources)
    await worker.drain()
    expect((await adapterStatus(bench)).problem).toContain('is missing. Mount its disk')
    await expect(stat(join(bench.directory, 'xml'))).rejects.toThrow('ENOENT')

    await rename(join(bench.directory, 'away'), join(bench.directory, 'xml'))
    bench.clock.advance({ minutes: 1 })
    await worker.drain()
    expect(await adapterStatus(bench)).toMatchObject({ problem: null, waiting: 0, lastSealed: { number: 2 } })
  })

  it.for([
    ['full', 'size=48k', 'is full. Free space'],
    ['read-only', 'size=1m', 'is read-only. Mount it writable'],
  ] as const)('waits while the disk is %s, and staging goes on', async ([, mountOptions, problem], { skip }) => {
    await using bench = await openBench()
    const disk = join(bench.directory, 'xml')
    await mkdir(disk)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', mountOptions, 'hansard-test', disk], { stdio: 'ignore' })
    } catch {
      skip('a small disk can be mounted only by root')
    }
    try {
      const worker = await bench.worker()
      const source = bench.pool.source('chat-1', { startedAt: T0 })
      if (mountOptions === 'size=1m') execFileSync('mount', ['-o', 'remount,ro', disk])
      for (let n = 0; n < 200; n++) source.says('desk', 'alice', `${n} ${'long '.repeat(100)}`, T0 + n)
      await bench.deliver(T0 + MINUTE, [source])
      await worker.drain()
      const status = await statusOf(bench)
      expect((await adapterStatus(bench)).problem).toContain(problem)
      expect(status.staged.events).toBe(200)
      expect((await readdir(disk)).filter((name) => name !== IDENTITY_FILE)).toEqual([])

      execFileSync('mount', ['-o', 'remount,rw,size=4m', disk])
      bench.clock.advance({ minutes: 1 })
      await worker.drain()
      expect(await manifests(bench)).toHaveLength(1)
      expect((await adapterStatus(bench)).problem).toBeNull()
    } finally {
      execFileSync('umount', [disk])
    }
  })

  it('does not delay another one', async () => {
    await using bench = await openBench()
    await writeFile(join(bench.directory, 'other'), 'a file where a directory should be')
    const worker = await bench.worker({ adapters: [{ ...XML!, name: 'other' }, XML!] })
    await bench.deliver(T0 + MINUTE, story(bench))
    const id = await addRequest(bench.db, { request: { kind: 'seal' }, requestedBy: 'operator', now: T0 + MINUTE - 1 })
    await worker.drain()
    expect(await manifests(bench)).toHaveLength(1)
    expect(await adapterStatus(bench, 'other')).toMatchObject({ problem: expect.stringContaining('directory') })
    expect(await findRequest(bench.db, id)).toMatchObject({
      state: 'waiting',
      reason: expect.stringContaining('other'),
    })
  })

  it('waits for a working stylesheet, and applies the corrected one', async () => {
    await using bench = await openBench()
    const broken = {
      ...XML!,
      stylesheet:
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><xsl:call-template name="missing"/></xsl:template></xsl:stylesheet>',
    }
    const worker = await bench.worker({ adapters: [broken] })
    await bench.deliver(T0 + MINUTE, story(bench))
    await worker.drain()
    expect((await adapterStatus(bench)).problem).toContain('xml')
    await worker.stop()

    const again = await bench.worker({ name: 'w2' })
    await again.drain()
    expect(await manifests(bench)).toHaveLength(1)
    expect((await adapterStatus(bench)).problem).toBeNull()
  })
})

// SQLite answers without yielding to the event loop; loops that wait for the worker yield instead.
describe('an adapter whose stylesheet runs for ever', () => {
  it('delays neither the exports of the others nor the closing of intervals', async () => {
    await using bench = await openBench()
    const endless = { ...ENDLESS, name: 'endless' }
    const worker = await bench.worker({ adapters: [endless, XML!] })
    const source = bench.pool.source('chat-1', { startedAt: T0 })
    for (let n = 0; n < 300; n++) source.says('desk', 'alice', `x ${n}`, T0 + n)
    await bench.deliver(T0 + MINUTE, [source])
    worker.wake()
    const at = async (adapter: string, number: number) => (await findExport(bench.db, { adapter, number }))?.state
    const until = async (adapter: string, number: number, state: string) => {
      while ((await at(adapter, number)) !== state) await yieldToEventLoop()
    }

    await until('xml', 1, 'sealed')
    await until('endless', 1, 'planned')
    bench.clock.advance({ minutes: 1 })
    await bench.deliver(T0 + 2 * MINUTE, [source])
    worker.wake()
    await until('xml', 2, 'sealed')
    await until('record', 2, 'sealed')

    expect(await at('endless', 1)).toBe('planned')
    expect((await statusOf(bench)).adapters.map(({ name, waiting }) => [name, waiting])).toEqual([
      ['endless', 2],
      ['record', 0],
      ['xml', 0],
    ])
  })

  it('starts again as soon as it is corrected', async () => {
    await using bench = await openBench()
    const worker = await bench.worker({ adapters: [ENDLESS] })
    const source = bench.pool.source('chat-1', { startedAt: T0 })
    for (let n = 0; n < 300; n++) source.says('desk', 'alice', `x ${n}`, T0 + n)
    await bench.deliver(T0 + MINUTE, [source])
    worker.wake()
    const found = () => findExport(bench.db, { adapter: 'xml', number: 1 })
    while (!(await found())?.settings) await yieldToEventLoop()

    await configure(bench.db, [XML!], bench.clock.now())
    await worker.drain()

    expect((await found())?.state).toBe('sealed')
    expect((await adapterStatus(bench)).problem).toBeNull()
  })
})
