import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLog } from '@hansard/log'
import { takeLease } from '@hansard/sql'
import { EXPORTER_LEASE, findExport } from '@hansard/staging'
import { describe, expect, it } from 'vitest'
import { DEFAULT_ADAPTERS } from './adapter-settings.ts'
import { createExporter } from './exporter.ts'
import { MINUTE, openBench, T0 } from './worker-in-test.ts'

describe('an exporter whose clock was set back', () => {
  it('looks for work: its rest would last until the clock is right again', async () => {
    await using bench = await openBench()
    const { db, clock, directory } = bench
    const config = {
      pool: 'fourth-coffee',
      workerName: 'w1',
      runIntervalMs: MINUTE,
      outputDirectory: directory,
      adapters: DEFAULT_ADAPTERS,
      tickMs: 1_000,
    }
    const exporter = createExporter({ db, clock, log: silentLog, onProgress() {}, config, holder: 'w1' })
    const source = bench.pool.source('chat-1', { startedAt: T0 })
    source.says('desk', 'alice', 'hello', T0 + 1)
    await bench.deliver(T0 + 1, [source])
    const lease = await takeLease(db, { name: EXPORTER_LEASE, holder: 'w1', clock, ttlMs: MINUTE })
    expect(await exporter.turn(lease!, new AbortController().signal)).toBe('pause')
    await exporter.settled()
    expect(await exporter.isDue()).toBe(false)

    clock.advance({ hours: -1 })

    expect(await exporter.isDue()).toBe(true)
    await exporter.close()
  })

  it('retries a failed export: its next attempt would wait until the clock is right again', async () => {
    await using bench = await openBench()
    await writeFile(join(bench.directory, 'xml'), 'a file where a directory should be')
    const worker = await bench.worker()
    const source = bench.pool.source('chat-1', { startedAt: T0 })
    source.says('desk', 'alice', 'hello', T0 + 1)
    await bench.deliver(T0 + MINUTE, [source])
    await worker.drain()
    await rm(join(bench.directory, 'xml'))

    bench.clock.advance({ hours: -1 })
    await worker.drain()

    expect(await findExport(bench.db, { adapter: 'xml', number: 1 })).toMatchObject({ state: 'sealed' })
  })
})
