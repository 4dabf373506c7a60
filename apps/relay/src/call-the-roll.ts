import type { Clock } from '@hansard/clock'
import { settleSource, takeRollCall } from '@hansard/pool-store'
import type { Transport } from '@hansard/queue'
import type { Database } from '@hansard/sql'
import { rollCallTakenAt, settledSources } from '@hansard/staging'
import type { RelayConfig } from './config.ts'
import { keyOf, type Standings } from './standing.ts'

/** When the roll call that was sent last was taken. Nobody knows whether it arrived until it is staged. */
export type RollCalls = { outstanding: number }

/**
 * Tells the worker of every source the pool knows, so that silence can be told from absence: an interval is closed only
 * when each source is known to have nothing more to say in it.
 *
 * Sources that ended, and of which the compliance database holds everything, are settled: later roll calls leave them out.
 */
export async function callTheRoll(
  parts: {
    poolDb: Database
    complianceDb: Database
    transport: Transport
    clock: Clock
    standings: Standings
    calls: RollCalls
    config: Pick<RelayConfig, 'patienceMs'>
  },
  signal: AbortSignal,
): Promise<void> {
  const { poolDb, complianceDb, transport, clock, standings, calls } = parts
  // The time is taken first: a source that starts after it may be missing, one that started before it is not.
  const takenAt = clock.now()
  const rollCall = await takeRollCall(poolDb, takenAt)
  if (await isDue(parts, takenAt)) {
    await transport.send([{ kind: 'roll-call', rollCall }], { signal })
    calls.outstanding = takenAt
  }

  const forgotten = rollCall.sources.filter(
    (report) => report.state !== 'alive' && (standings.get(keyOf(report))?.forgotten ?? 0) >= report.lastSeq,
  )
  if (forgotten.length === 0) return
  const settled = new Set((await settledSources(complianceDb)).map(keyOf))
  for (const report of forgotten) {
    if (!settled.has(keyOf(report))) continue
    await settleSource(poolDb, { name: report.source, epoch: report.epoch })
    standings.delete(keyOf(report))
  }
}

/**
 * One roll call is under way at a time: behind a backlog it waits its turn like everything else, so that intervals are
 * closed while the backlog is worked off, and without a worker they do not pile up. One that is gone from the queue, or
 * that nobody has heard for long, was lost.
 */
async function isDue(
  { complianceDb, transport, calls, config }: Parameters<typeof callTheRoll>[0],
  now: number,
): Promise<boolean> {
  if (now - calls.outstanding >= config.patienceMs) return true
  const { waiting } = await transport.depth()
  return waiting === 0 || (await rollCallTakenAt(complianceDb)) >= calls.outstanding
}
