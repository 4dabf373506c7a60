import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@hansard/clock'
import { type AdapterSetting, DEFAULT_ADAPTERS, startComplianceWorker } from '@hansard/compliance-worker'
import { silentLog } from '@hansard/log'
import { openInlineTransport } from '@hansard/queue'
import { openDatabase } from '@hansard/sql'
import { migrateStaging, recordSourceProgress, stageEvents } from '@hansard/staging'
import { scriptedPool } from '@hansard/staging/testing'

const CORPUS = new URL('../../../fixtures/corpus/', import.meta.url)
const START = Date.UTC(2026, 0, 1)
const MINUTE = 60_000
const RUNS = 3

/**
 * CPU microseconds an event that exporting takes with the strict document, and how many of them are the record series'.
 * A pool cannot be without that series: what a second strict document adds is what one costs, and the rest of the first
 * run is the record series and closing the interval.
 */
export async function benchRecordSeries(events: number): Promise<{ strict: number; record: number }> {
  const [xml] = DEFAULT_ADAPTERS
  const one: number[] = []
  const two: number[] = []
  for (let run = 0; run < RUNS; run++) {
    one.push(await exportingTakes(events, [xml!]))
    two.push(await exportingTakes(events, [xml!, { ...xml!, name: 'again' }]))
  }
  // The least disturbed runs.
  const first = Math.min(...one)
  const strict = Math.min(...two) - first
  return { strict, record: first - strict }
}

async function exportingTakes(events: number, adapters: readonly AdapterSetting[]): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-record-'))
  const db = openDatabase({ url: `sqlite:${join(directory, 'compliance.db')}` })
  const clock = new ManualClock(START)
  const transport = openInlineTransport()
  try {
    await migrateStaging(db)
    await using worker = await startComplianceWorker({
      ...{ complianceDb: db, transport, clock, log: silentLog },
      config: {
        ...{ pool: 'bench', workerName: 'bench', runIntervalMs: MINUTE, tickMs: 1_000, adapters },
        outputDirectory: join(directory, 'exports'),
      },
    })
    await worker.drain()
    const pool = scriptedPool()
    const source = pool.source('channel-1', { startedAt: START, incarnation: 'b'.repeat(32) })
    const texts = readdirSync(CORPUS)
      .filter((name) => name.endsWith('.log'))
      .flatMap((name) => readFileSync(new URL(name, CORPUS), 'utf8').split('\n').filter(Boolean))
    for (let n = 0; n < events; n++) {
      const at = START + 1 + Math.floor((n / events) * (MINUTE - 2))
      source.says(`room ${n % 40}`, `user-${n % 200}`, texts[n % texts.length]!, at)
    }
    for (let from = 1; from <= events; from += 100)
      await stageEvents(db, source.envelope(from, Math.min(events, from + 99)), clock.now())
    source.reports(START + MINUTE)
    clock.advance({ ms: MINUTE })
    await recordSourceProgress(db, pool.rollCall(START + MINUTE))
    const before = process.cpuUsage()
    await worker.drain()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / events
  } finally {
    await transport.close()
    await db.close()
    rmSync(directory, { recursive: true, force: true })
  }
}
