import type { Clock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import { deleteFromOutbox } from '@hansard/pool-store'
import type { Transport } from '@hansard/queue'
import type { Database } from '@hansard/sql'
import type { RelayConfig } from './config.ts'
import { keyOf, readStaged, type SourceCursor, type SourceCursors } from './source-cursors.ts'

/** Rows deleted in one transaction. Posts share the database and wait for it. */
const BITE_ROWS = 1_000

/**
 * Deletes from the outbox what the compliance database has, and marks events that seem lost to be sent again.
 *
 * The danger: an event that was sent, lost with the queue, and then deleted because it had been sent. So the queue is
 * not asked: a row is deleted only after the compliance database was read and has its event.
 */
export async function forgetStaged(deps: {
  poolDb: Database
  complianceDb: Database
  transport: Transport
  clock: Clock
  log: Log
  cursors: SourceCursors
  config: RelayConfig
}): Promise<'again' | 'pause'> {
  const { poolDb, complianceDb, clock, cursors } = deps
  const busy = [...cursors.values()].some(({ forgotten, sent }) => forgotten < sent)
  if (!busy) return 'pause'
  let again = false
  const staged = await readStaged(complianceDb, cursors.values())
  for (const cursor of cursors.values()) {
    const through = staged.get(keyOf(cursor)) ?? cursor.staged
    if (through > cursor.staged) {
      cursor.staged = through
      cursor.sent = Math.max(cursor.sent, through)
      cursor.movedAt = clock.now()
    }
    if (cursor.forgotten >= cursor.staged) continue
    const { source, epoch } = cursor
    const throughSeq = cursor.staged
    const emptied = await deleteFromOutbox(poolDb, { source, epoch, throughSeq, limit: BITE_ROWS })
    if (emptied) cursor.forgotten = throughSeq
    else again = true
  }
  await sendAgainWhatSeemsLost(deps)
  return again ? 'again' : 'pause'
}

/**
 * While the queue is not empty, the worker is slow and the event is probably not lost; sending it again would only
 * make the queue longer. An empty queue without progress means that the event is lost.
 */
async function sendAgainWhatSeemsLost(deps: {
  transport: Transport
  clock: Clock
  log: Log
  cursors: SourceCursors
  config: RelayConfig
}): Promise<void> {
  const { transport, clock, log, cursors, config } = deps
  const idleFor = ({ sent, staged, movedAt }: SourceCursor) => (sent > staged ? clock.now() - movedAt : 0)
  const stuck = [...cursors.values()].filter((cursor) => idleFor(cursor) >= config.resendMs)
  if (stuck.length === 0) return

  const { waiting, active } = await transport.depth()
  for (const cursor of stuck) {
    if (waiting + active > 0 && idleFor(cursor) < config.patienceMs) continue
    log.warn(
      { source: cursor.source, epoch: cursor.epoch, from: cursor.staged + 1, to: cursor.sent },
      'events did not arrive and are sent again',
    )
    cursor.sent = cursor.staged
    cursor.movedAt = clock.now()
  }
}
