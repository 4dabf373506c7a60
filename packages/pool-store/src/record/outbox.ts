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
 * Deletes at most `limit` of the rows up to `throughSeq`, oldest first; returns how many. Keep the batches small:
 * posts share this database.
 */
export async function deleteFromOutbox(
  db: Database,
  { source, epoch, throughSeq, limit }: { source: string; epoch: number; throughSeq: number; limit: number },
): Promise<number> {
  const oldest: { seq: number } | undefined = await db
    .knex('outbox')
    .where({ source, epoch })
    .orderBy('seq')
    .first('seq')
  if (!oldest || oldest.seq > throughSeq) return 0
  return db
    .knex('outbox')
    .where({ source, epoch })
    .andWhere('seq', '<=', Math.min(throughSeq, oldest.seq + limit - 1))
    .delete()
}

/** How many events wait, and since when (milliseconds since 1970; null when none waits). */
export async function outboxDepth(db: Database): Promise<{ rows: number; oldestAt: number | null }> {
  const row = await db.knex('outbox').first(db.knex.raw('count(*) as "rows"'), db.knex.raw('min(at) as "oldestAt"'))
  return { rows: Number(row?.rows ?? 0), oldestAt: row?.oldestAt ?? null }
}
