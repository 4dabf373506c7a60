import { ManualClock } from '@hansard/clock'
import type { Envelope } from '@hansard/compliance-event'
import { POOL_MIGRATIONS } from '@hansard/pool-store'
import { openInlineTransport } from '@hansard/queue'
import { migrate, openDatabase } from '@hansard/sql'
import { migrateStaging, recordSourceProgress } from '@hansard/staging'
import { expect, it } from 'vitest'
import { reportProgress } from './report-progress.ts'

const PATIENCE = 60_000

/** Sends source progress every second into a queue that is only emptied by the test. */
async function openBench(backlog = 150) {
  const poolDb = openDatabase({ url: 'sqlite::memory:' })
  const complianceDb = openDatabase({ url: 'sqlite::memory:' })
  await migrate(poolDb, POOL_MIGRATIONS)
  await migrateStaging(complianceDb)
  const transport = openInlineTransport({ capacity: 1_000 })
  const clock = new ManualClock(1_000_000)
  const reports = { outstanding: 0 }
  const deps = {
    poolDb,
    complianceDb,
    transport,
    clock,
    cursors: new Map(),
    reports,
    config: { patienceMs: PATIENCE },
  }
  const waiting: Envelope = { kind: 'events', source: 'channel-1', epoch: 1, events: [] }
  await transport.send(Array.from({ length: backlog }, () => waiting))
  return {
    poolDb,
    complianceDb,
    transport,
    deps,
    clock,
    /** How many source progresses were sent. */
    async reports(times: number): Promise<number> {
      const { waiting } = await transport.depth()
      for (let n = 0; n < times; n++) {
        clock.advance({ ms: 1_000 })
        await reportProgress(deps, new AbortController().signal)
      }
      return (await transport.depth()).waiting - waiting
    },
    async [Symbol.asyncDispose]() {
      await transport.close()
      await poolDb.close()
      await complianceDb.close()
    },
  }
}

it('sends source progress behind any backlog, and the next only after the last was staged', async () => {
  await using bench = await openBench()
  expect(await bench.reports(10)).toBe(1)

  await recordSourceProgress(bench.complianceDb, { takenAt: bench.clock.now(), sources: [] })
  expect(await bench.reports(10)).toBe(1)
})

it('sends source progress again if the last was not staged for long: it may be lost from a queue that is never empty', async () => {
  await using bench = await openBench()
  expect(await bench.reports(1)).toBe(1)
  expect(await bench.reports(PATIENCE / 1_000 - 1)).toBe(0)
  expect(await bench.reports(1)).toBe(1)
})

it('takes the time before it reads the sources: one that starts in between is in the next, not missing from this', async () => {
  await using bench = await openBench(0)
  const { poolDb, transport, clock } = bench
  const begunAt = clock.now()
  // The clock moves while the sources are read.
  poolDb.knex.on('query-response', (_rows: unknown, { sql }: { sql: string }) => {
    if (/from `source`/.test(sql)) clock.advance({ ms: 5_000 })
  })

  await reportProgress(bench.deps, new AbortController().signal)

  const { promise, resolve } = Promise.withResolvers<Envelope>()
  const consumer = await transport.consume(async (envelope) => resolve(envelope))
  expect(await promise).toEqual({ kind: 'roll-call', rollCall: { takenAt: begunAt, sources: [] } })
  expect(clock.now()).toBe(begunAt + 5_000)
  await consumer.stop()
})
