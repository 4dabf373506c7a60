import type { Clock } from '@hansard/clock'
import { settleSource, takeRollCall } from '@hansard/pool-store'
import type { Transport } from '@hansard/queue'
import type { Database } from '@hansard/sql'
import { settledSources } from '@hansard/staging'
import { keyOf, type Standings } from './standing.ts'

/** With so many envelopes waiting a roll call tells the worker nothing yet, and without a worker they would pile up. */
const BACKLOG_ENVELOPES = 100

/**
 * Tells the worker of every source the pool knows, so that silence can be told from absence: an interval is closed only
 * when each source is known to have nothing more to say in it.
 *
 * Sources that ended, and of which the compliance database holds everything, are settled: later roll calls leave them out.
 */
export async function callTheRoll(
  parts: { poolDb: Database; complianceDb: Database; transport: Transport; clock: Clock; standings: Standings },
  signal: AbortSignal,
): Promise<void> {
  const { poolDb, complianceDb, transport, clock, standings } = parts
  // The time is taken first: a source that starts after it may be missing, one that started before it is not.
  const takenAt = clock.now()
  const rollCall = await takeRollCall(poolDb, takenAt)
  const { waiting } = await transport.depth()
  if (waiting < BACKLOG_ENVELOPES) await transport.send([{ kind: 'roll-call', rollCall }], { signal })

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
