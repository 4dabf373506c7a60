import type { EnvelopeEvent } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'

/**
 * The outbox: events that the compliance database may not have yet.
 *
 * The record writer inserts rows in the transaction of their fact. A row is deleted only after the compliance
 * database itself has been seen to hold the event; the queue's acknowledgement is not enough.
 */
export async function readOutbox(
  db: Database,
  { source, epoch, afterSeq, limit }: { source: string; epoch: number; afterSeq: number; limit: number },
): Promise<EnvelopeEvent[]> {
  return db
    .knex('outbox')
    .where({ source, epoch })
    .andWhere('seq', '>', afterSeq)
    .orderBy('seq')
    .limit(limit)
    .select('seq', 'at', 'body', 'head')
}

/**
 * Deletes at most `limit` of the rows up to `throughSeq`, oldest first. Returns whether none of them is left. Keep the
 * batches small: posts share this database.
 */
export async function deleteFromOutbox(
  db: Database,
  { source, epoch, throughSeq, limit }: { source: string; epoch: number; throughSeq: number; limit: number },
): Promise<boolean> {
  const oldest: { seq: number } | undefined = await db
    .knex('outbox')
    .where({ source, epoch })
    .orderBy('seq')
    .first('seq')
  if (!oldest || oldest.seq > throughSeq) return true
  // Fewer rows than numbers say nothing: another relay may have deleted rows in between.
  const last = Math.min(throughSeq, oldest.seq + limit - 1)
  await db.knex('outbox').where({ source, epoch }).andWhere('seq', '<=', last).delete()
  return last === throughSeq
}

/**
 * How many events wait, and since when (milliseconds since 1970; null when none waits).
 *
 * A source's numbers have no gaps and its oldest rows are deleted first, so its first and last number give its count:
 * three reads by key per source with rows, however many rows there are.
 */
export async function outboxDepth(db: Database): Promise<{ rows: number; oldestAt: number | null }> {
  let rows = 0
  let oldestAt: number | null = null
  let first = await firstAfter(db, undefined)
  while (first) {
    const { source, epoch, seq, at } = first
    const last: { seq: number } | undefined = await db
      .knex('outbox')
      .where({ source, epoch })
      .orderBy('seq', 'desc')
      .first('seq')
    // A relay may have deleted the rows meanwhile.
    if (last) {
      rows += last.seq - seq + 1
      oldestAt = Math.min(oldestAt ?? at, at)
    }
    first = await firstAfter(db, first)
  }
  return { rows, oldestAt }
}

type OutboxKey = { readonly source: string; readonly epoch: number; readonly seq: number; readonly at: number }

/** The first row of the next source after `previous`, in the order of the primary key. */
async function firstAfter(db: Database, previous: OutboxKey | undefined): Promise<OutboxKey | undefined> {
  const select = () => db.knex('outbox').orderBy(['source', 'epoch', 'seq'])
  const columns = ['source', 'epoch', 'seq', 'at']
  if (!previous) return select().first(columns)
  const { source, epoch } = previous
  // Two reads instead of one with an "or", for which no planner uses the key.
  const nextEpoch = select().where({ source }).andWhere('epoch', '>', epoch)
  return (await nextEpoch.first(columns)) ?? select().where('source', '>', source).first(columns)
}
