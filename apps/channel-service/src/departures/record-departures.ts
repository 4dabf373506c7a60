import type { Clock } from '@hansard/clock'
import { type Fact, orphanedParticipants, RecordStopped, type RecordWriter, SourceFenced } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'

export type PartFact = Extract<Fact, { kind: 'part' }>

/**
 * Records a departure, repeating it while the database is down. `done` is called once: with the rights version under
 * which it was recorded (undefined: the room is gone), or with `ended` when this service has ended and a survivor
 * will have to record it.
 */
export type RecordPart = (fact: PartFact, done?: (how: { rights: number | undefined } | 'ended') => void) => void

const RETRY_MS = 500

/**
 * A `RecordPart` that does not give up. It retries until the departure is on record, until a successor of this
 * service exists, or until the service has stopped: then a survivor records it, as that of an orphan.
 */
export function createRecordPart({ writer, clock }: { writer: RecordWriter; clock: Clock }): RecordPart {
  const recordPart: RecordPart = (fact, done) => {
    void writer.record(fact).then((outcome) => {
      if (outcome instanceof SourceFenced || outcome instanceof RecordStopped) return done?.('ended')
      if (outcome instanceof Error) return void clock.after(RETRY_MS, () => recordPart(fact, done))
      done?.({ rights: outcome.kind === 'part' ? outcome.rights : undefined })
    })
  }
  return recordPart
}

/**
 * Records, as the survivor, the departures of participants whose service died. However many survivors do this at
 * once, each departure is recorded once, because its row is deleted in the transaction that records it.
 */
export async function partOrphans(
  { db, recordPart }: { db: Database; recordPart: RecordPart },
  signal: AbortSignal,
): Promise<number> {
  const orphans = await orphanedParticipants(db, 500)
  const recorded = Promise.all(
    orphans.map(
      ({ roomId, principal, session }) =>
        new Promise<void>((resolve) =>
          recordPart({ kind: 'part', roomId, principal, session, reason: 'orphaned' }, () => resolve()),
        ),
    ),
  )
  // If this service stops while the database is down, the next survivor records them.
  await Promise.race([recorded, aborted(signal)])
  return orphans.length
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
