import type { Clock } from '@hansard/clock'
import { finishSource, lostNumbers, readSourceProgress } from '@hansard/pool-store'
import type { Transport } from '@hansard/queue'
import { type Database, databaseNow } from '@hansard/sql'
import { finishedSources, rollCallTakenAt } from '@hansard/staging'
import type { RelayConfig } from './config.ts'
import { keyOf, type SourceCursors } from './source-cursors.ts'

/** A compliance database that comes back older is told again for so long. */
const LOSSES_TOLD_MS = 7 * 24 * 3_600_000

/** When the last source progress was taken. Whether it arrived is unknown until it is staged. */
type ProgressReports = { outstanding: number }

/**
 * Sends the worker the progress of every source of the pool, so that it can tell a silent source from an absent one:
 * an interval closes only when each source is known to have nothing more to record in it.
 *
 * An ended source all of whose events are in the compliance database is settled: later source progresses omit it.
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
  // Take the time first: a source that starts after it may be missing, one that started before it is not.
  // By the database's clock: one taken at a false time would count as newer than all later ones.
  const takenAt = await databaseNow(poolDb, clock)
  const rollCall = await readSourceProgress(poolDb, takenAt)
  if (await isDue(deps, takenAt)) {
    // After the sources: what a service writes down while they are read is in the next progress.
    const lost = (await lostNumbers(poolDb, { since: takenAt - LOSSES_TOLD_MS })).map(({ at: _, ...loss }) => loss)
    const progress = lost.length === 0 ? rollCall : { ...rollCall, lost }
    await transport.send([{ kind: 'roll-call', rollCall: progress }], { signal })
    reports.outstanding = takenAt
  }

  const forgotten = rollCall.sources.filter(
    (report) => report.state !== 'alive' && (cursors.get(keyOf(report))?.forgotten ?? 0) >= report.lastSeq,
  )
  if (forgotten.length === 0) return
  const settled = new Set((await finishedSources(complianceDb)).map(keyOf))
  for (const report of forgotten) {
    if (!settled.has(keyOf(report))) continue
    await finishSource(poolDb, {
      name: report.source,
      epoch: report.epoch,
      incarnation: report.incarnation ?? '',
    })
    cursors.delete(keyOf(report))
  }
}

/**
 * Only one source progress is in flight at a time. Behind a backlog it waits in the queue like everything else, so
 * intervals close while the backlog is processed; without a worker, source progresses do not pile up. One that is
 * gone from the queue, or that was not staged for a long time, was lost.
 */
async function isDue(
  { complianceDb, transport, reports, config }: Parameters<typeof reportProgress>[0],
  now: number,
): Promise<boolean> {
  // One of the future was taken by a clock that was wrong.
  if (now - reports.outstanding >= config.patienceMs || now < reports.outstanding) return true
  const { waiting } = await transport.depth()
  return waiting === 0 || (await rollCallTakenAt(complianceDb)) >= reports.outstanding
}
