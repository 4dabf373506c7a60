import type { Clock } from '@hansard/clock'
import { type Fact, orphanedParticipants, RecordStopped, type RecordWriter, SourceFenced } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'

export type PartFact = Extract<Fact, { kind: 'part' }>

/**
 * Records a departure for certain: while the database is away it is tried again and again. `done` is called once: with
 * the version of the room's rights it was recorded under (undefined: the room is gone), or with `ended` when this service has
 * ended and a survivor will have to record it.
 */
export type RecordPart = (fact: PartFact, done?: (how: { rights: number | undefined } | 'ended') => void) => void

const RETRY_MS = 500

/**
 * A `RecordPart` that does not give up. A departure that could not be recorded is tried again until it is, or until a
 * successor of this service exists or the service has stopped: then a survivor records it, as that of an orphan.
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
 * Records the departures of participants whose service died, as the survivor. However many survivors do this at once, each
 * departure is recorded once: the row is deleted in the transaction that records it.
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
  // A service that stops while the database is away leaves them to the next survivor.
  await Promise.race([recorded, aborted(signal)])
  return orphans.length
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
