import type { Clock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import { deleteFromOutbox } from '@hansard/pool-store'
import type { Transport } from '@hansard/queue'
import type { Database } from '@hansard/sql'
import type { RelayConfig } from './config.ts'
import { keyOf, readStaged, type Standing, type Standings } from './standing.ts'

/** Rows deleted in one go. Posting shares the database, and waits. */
const BITE_ROWS = 1_000

/**
 * Takes out of the outbox what the compliance database holds, and has sent again what seems lost.
 *
 * The danger is an event that was sent, lost with the queue, and deleted because it had been sent. So the queue is not
 * asked: rows go when the compliance database itself was read and has them.
 */
export async function forgetStaged(parts: {
  poolDb: Database
  complianceDb: Database
  transport: Transport
  clock: Clock
  log: Log
  standings: Standings
  config: RelayConfig
}): Promise<'again' | 'pause'> {
  const { poolDb, complianceDb, clock, standings } = parts
  const busy = [...standings.values()].some(({ forgotten, sent }) => forgotten < sent)
  if (!busy) return 'pause'
  let again = false
  const staged = await readStaged(complianceDb, standings.values())
  for (const standing of standings.values()) {
    const through = staged.get(keyOf(standing)) ?? standing.staged
    if (through > standing.staged) {
      standing.staged = through
      standing.sent = Math.max(standing.sent, through)
      standing.movedAt = clock.now()
    }
    if (standing.forgotten >= standing.staged) continue
    const { source, epoch } = standing
    const throughSeq = standing.staged
    const deleted = await deleteFromOutbox(poolDb, { source, epoch, throughSeq, limit: BITE_ROWS })
    if (deleted < BITE_ROWS) standing.forgotten = throughSeq
    else again = true
  }
  await sendAgainWhatSeemsLost(parts)
  return again ? 'again' : 'pause'
}

/**
 * While something is in the queue, the worker is slow rather than the event lost; sending it again would only make the
 * queue longer. An empty queue and no progress means that it is gone.
 */
async function sendAgainWhatSeemsLost(parts: {
  transport: Transport
  clock: Clock
  log: Log
  standings: Standings
  config: RelayConfig
}): Promise<void> {
  const { transport, clock, log, standings, config } = parts
  const idleFor = ({ sent, staged, movedAt }: Standing) => (sent > staged ? clock.now() - movedAt : 0)
  const stuck = [...standings.values()].filter((standing) => idleFor(standing) >= config.resendMs)
  if (stuck.length === 0) return

  const { waiting, active } = await transport.depth()
  for (const standing of stuck) {
    if (waiting + active > 0 && idleFor(standing) < config.patienceMs) continue
    log.warn(
      { source: standing.source, epoch: standing.epoch, from: standing.staged + 1, to: standing.sent },
      'events did not arrive and are sent again',
    )
    standing.sent = standing.staged
    standing.movedAt = clock.now()
  }
}
