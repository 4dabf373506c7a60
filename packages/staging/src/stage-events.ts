import type { EnvelopeEvent } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import { stagePostgres } from './stage-postgres.ts'
import { stageSqlite } from './stage-sqlite.ts'

/**
 * Stages events of one source: puts them into the compliance database, once.
 *
 * The queue delivers at least once, in any order, and after a relay's restart again; nothing here minds. A number that
 * is staged is not staged again. Numbers beyond a gap are parked until the gap fills. Each event's head is checked
 * against the chain before it counts, and what does not fit goes to quarantine whole: no event is ever dropped.
 *
 * When the promise resolves, everything in the envelope is durable here. Only `stagedThrough` permits the relay to
 * empty the outbox, though: an answer that got lost must not cost an event.
 */
export async function stageEvents(db: Database, envelope: EventsEnvelope, now: number): Promise<StageResult> {
  const stage = db.dialect === 'sqlite' ? stageSqlite : stagePostgres
  const total = await stage(db, envelope, sortedOnce(envelope.events), now)
  while (total.more) {
    const walked = await stage(db, envelope, 'parked', now)
    total.staged += walked.staged
    total.quarantined += walked.quarantined
    total.more = walked.more && walked.staged + walked.quarantined > 0
  }
  return { staged: total.staged, quarantined: total.quarantined, parked: total.parked, again: total.again }
}

export type EventsEnvelope = {
  readonly source: string
  readonly epoch: number
  readonly events: readonly EnvelopeEvent[]
}

export type StageResult = {
  readonly staged: number
  readonly quarantined: number
  /** arrived before their predecessors */
  readonly parked: number
  /** were here already */
  readonly again: number
}

function sortedOnce(events: readonly EnvelopeEvent[]): EnvelopeEvent[] {
  // In order and without repetition is how the relay sends; then there is nothing to do.
  if (events.every((event, index) => index === 0 || event.seq > events[index - 1]!.seq)) return [...events]
  const sorted = events.toSorted((a, b) => a.seq - b.seq)
  // One envelope may hold a number twice only if somebody made it so. The second text, if it differs, is looked at in
  // its own right once the first is staged; here the first wins.
  return sorted.filter((event, index) => index === 0 || event.seq !== sorted[index - 1]!.seq)
}
