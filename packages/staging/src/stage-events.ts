import type { EnvelopeEvent } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import { refill } from './refill.ts'
import { stagePostgres } from './stage-postgres.ts'
import { stageSqlite } from './stage-sqlite.ts'

/**
 * Stages the events of one source: inserts them into the compliance database, once each.
 *
 * The queue delivers at least once, in any order, and again after a relay restarts; staging is idempotent. A staged
 * number is not staged again. Numbers beyond a gap are parked until the gap fills. Each event's head is checked
 * against the chain before the event counts, and what fails goes to quarantine whole: no event is ever dropped.
 *
 * When the promise resolves, everything in the envelope is durable here. Only `stagedThrough` permits the relay to
 * delete outbox rows, however: a lost reply must not cost an event.
 */
export async function stageEvents(db: Database, envelope: EventsEnvelope, now: number): Promise<StageResult> {
  const stage = db.dialect === 'sqlite' ? stageSqlite : stagePostgres
  const { once, others } = sortedByNumber(envelope.events)
  const total = await stage(db, envelope, once, now)
  while (total.more) {
    const walked = await stage(db, envelope, 'parked', now)
    total.staged += walked.staged
    total.quarantined += walked.quarantined
    total.more = walked.more && walked.staged + walked.quarantined > 0
  }
  const unheld = [...total.unheld]
  for (const other of others) {
    const one = await stage(db, envelope, [other], now)
    total.quarantined += one.quarantined
    unheld.push(...one.unheld)
  }
  if (unheld.length > 0) {
    const refilled = await refill(db, envelope, unheld, now)
    total.staged += refilled.staged
    total.quarantined += refilled.quarantined
  }
  return { staged: total.staged, quarantined: total.quarantined, parked: total.parked, again: total.again }
}

export type EventsEnvelope = {
  readonly source: string
  readonly epoch: number
  readonly incarnation?: string | undefined
  readonly events: readonly EnvelopeEvent[]
}

type StageResult = {
  readonly staged: number
  readonly quarantined: number
  /** arrived before their predecessors */
  readonly parked: number
  /** were already here */
  readonly again: number
}

type Sorted = { readonly once: readonly EnvelopeEvent[]; readonly others: readonly EnvelopeEvent[] }

function sortedByNumber(events: readonly EnvelopeEvent[]): Sorted {
  // The relay sends events in order and without repetition; then there is nothing to do.
  if (events.every((event, index) => index === 0 || event.seq > events[index - 1]!.seq))
    return { once: events, others: [] }
  const sorted = events.toSorted((a, b) => a.seq - b.seq)
  // Only a forged envelope contains a number with two texts. The second is examined once the first is staged.
  const once = sorted.filter((event, index) => index === 0 || event.seq !== sorted[index - 1]!.seq)
  const texts = new Map(once.map(({ seq, body }) => [seq, body]))
  return { once, others: sorted.filter(({ seq, body }) => texts.get(seq) !== body) }
}
