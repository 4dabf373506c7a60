import type { Clock } from '@hansard/clock'
import { finishSource, readSourceProgress } from '@hansard/pool-store'
import type { Transport } from '@hansard/queue'
import type { Database } from '@hansard/sql'
import { finishedSources, rollCallTakenAt } from '@hansard/staging'
import type { RelayConfig } from './config.ts'
import { keyOf, type SourceCursors } from './source-cursors.ts'

/** When the roll call that was sent last was taken. Nobody knows whether it arrived until it is staged. */
type ProgressReports = { outstanding: number }

/**
 * Tells the worker of every source the pool knows, so that silence can be told from absence: an interval is closed only
 * when each source is known to have nothing more to say in it.
 *
 * Sources that ended, and of which the compliance database holds everything, are settled: later roll calls leave them out.
 */
export async function reportProgress(
  deps: {
    poolDb: Database
    complianceDb: Database
    transport: Transport
    clock: Clock
    cursors: SourceCursors
    reports: ProgressReports
    config: Pick<RelayConfig, 'patienceMs'>
  },
  signal: AbortSignal,
): Promise<void> {
  const { poolDb, complianceDb, transport, clock, cursors, reports } = deps
  // The time is taken first: a source that starts after it may be missing, one that started before it is not.
  const takenAt = clock.now()
  const rollCall = await readSourceProgress(poolDb, takenAt)
  if (await isDue(deps, takenAt)) {
    await transport.send([{ kind: 'roll-call', rollCall }], { signal })
    reports.outstanding = takenAt
  }

  const forgotten = rollCall.sources.filter(
    (report) => report.state !== 'alive' && (cursors.get(keyOf(report))?.forgotten ?? 0) >= report.lastSeq,
  )
  if (forgotten.length === 0) return
  const settled = new Set((await finishedSources(complianceDb)).map(keyOf))
  for (const report of forgotten) {
    if (!settled.has(keyOf(report))) continue
    await finishSource(poolDb, { name: report.source, epoch: report.epoch })
    cursors.delete(keyOf(report))
  }
}

/**
 * One roll call is under way at a time: behind a backlog it waits its turn like everything else, so that intervals are
 * closed while the backlog is worked off, and without a worker they do not pile up. One that is gone from the queue, or
 * that nobody has heard for long, was lost.
 */
async function isDue(
  { complianceDb, transport, reports, config }: Parameters<typeof reportProgress>[0],
  now: number,
): Promise<boolean> {
  if (now - reports.outstanding >= config.patienceMs) return true
  const { waiting } = await transport.depth()
  return waiting === 0 || (await rollCallTakenAt(complianceDb)) >= reports.outstanding
}
