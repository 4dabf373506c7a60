import type { Clock } from '@hansard/clock'
import type { Envelope, EnvelopeEvent } from '@hansard/compliance-event'
import type { Log } from '@hansard/log'
import { readOutbox, readSourceProgress } from '@hansard/pool-store'
import type { Transport } from '@hansard/queue'
import type { Database } from '@hansard/sql'
import type { RelayConfig } from './config.ts'
import { keyOf, type SourceCursors, takeUp } from './source-cursors.ts'

const ENVELOPES_PER_READ = 10

/**
 * Sends the unsent events of the outbox, one batch per source in round-robin order.
 *
 * Deletes nothing from the outbox. Returns `again` when more may be sent now, and `sent` when everything that may be
 * sent was.
 */
export async function sendEvents(
  deps: {
    poolDb: Database
    complianceDb: Database
    transport: Transport
    clock: Clock
    log: Log
    cursors: SourceCursors
    config: RelayConfig
  },
  signal: AbortSignal,
): Promise<'again' | 'sent' | 'nothing'> {
  const { poolDb, complianceDb, transport, clock, log, cursors, config } = deps
  let again = false
  let sent = false
  const { sources } = await readSourceProgress(poolDb, clock.now())
  for (const { source, epoch, incarnation = '', lastSeq, state } of sources) {
    const cursor = cursors.get(keyOf({ source, epoch, incarnation }))
    if (!cursor) continue
    cursor.lastSeq = lastSeq
    cursor.ended = state !== 'alive'
    const from = cursor.sent
    const allowance = config.inFlightMax - (from - cursor.staged)
    if (lastSeq <= from || allowance <= 0) continue

    const limit = Math.min(allowance, ENVELOPES_PER_READ * config.batchEvents)
    const events = await readOutbox(poolDb, { source, epoch, afterSeq: from, limit })
    const first = events[0]?.seq ?? lastSeq + 1
    if (first !== from + 1 && first > cursor.staged + 1) {
      log.error({ source, epoch, from: from + 1, to: first - 1 }, 'events are missing from the outbox')
    }
    if (from === cursor.staged) cursor.movedAt = clock.uptime()
    await transport.send(envelopesOf({ source, epoch, incarnation }, events, config.batchEvents), { signal })
    sent = true

    // If the cursor was set back meanwhile to send again, keep that.
    if (cursor.sent !== from) continue
    cursor.sent = events.at(-1)?.seq ?? lastSeq
    if (events.length === limit && limit < allowance) again = true
  }

  // Last, because it needs the compliance database: while that is down, events of known sources are still sent.
  const reports = sources.filter((report) => !cursors.has(keyOf(report)))
  if (reports.length > 0) {
    await takeUp(complianceDb, cursors, { reports, now: clock.uptime() })
    again = true
  }
  if (again) return 'again'
  return sent ? 'sent' : 'nothing'
}

function envelopesOf(
  identity: { source: string; epoch: number; incarnation: string },
  events: readonly EnvelopeEvent[],
  batchEvents: number,
): Envelope[] {
  return Array.from({ length: Math.ceil(events.length / batchEvents) }, (_, index) => ({
    kind: 'events',
    ...identity,
    events: events.slice(index * batchEvents, (index + 1) * batchEvents),
  }))
}
