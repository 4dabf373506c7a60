import type { EnvelopeEvent } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'

/**
 * The outbox: events that the compliance database may not have, or may lose again.
 *
 * The record writer inserts rows in the transaction of their fact. A row is deleted only after the compliance
 * database itself was seen to hold its text, and a retention window later: a compliance database that comes back older
 * is filled again from here.
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

/** Numbers and stamps of rows, without their texts. */
export async function outboxStamps(
  db: Database,
  { source, epoch, afterSeq, limit }: { source: string; epoch: number; afterSeq: number; limit: number },
): Promise<{ seq: number; at: number }[]> {
  return db
    .knex('outbox')
    .where({ source, epoch })
    .andWhere('seq', '>', afterSeq)
    .orderBy('seq')
    .limit(limit)
    .select('seq', 'at')
}

/** The head of the source's chain in the row with this number; undefined when there is no such row. */
export async function outboxHead(
  db: Database,
  { source, epoch, seq }: { source: string; epoch: number; seq: number },
): Promise<string | undefined> {
  const row: { head: string } | undefined = await db.knex('outbox').where({ source, epoch, seq }).first('head')
  return row?.head
}

/**
 * Deletes these rows. A row with another head than the one that was read is another text, because the database was
 * exchanged meanwhile, and stays. Keep the batches small: posts share this database.
 */
export async function deleteFromOutbox(
  db: Database,
  { source, epoch, rows }: { source: string; epoch: number; rows: readonly Pick<EnvelopeEvent, 'seq' | 'head'>[] },
): Promise<void> {
  if (rows.length === 0) return
  const read = new Map(rows.map(({ seq, head }) => [seq, head]))
  await db.knex.transaction(async (tx) => {
    const query = tx('outbox')
      .where({ source, epoch })
      .whereIn('seq', [...read.keys()])
    if (db.dialect === 'postgres') query.forUpdate()
    const found: { seq: number; head: string }[] = await query.select('seq', 'head')
    const same = found.filter(({ seq, head }) => read.get(seq) === head).map(({ seq }) => seq)
    await tx('outbox').where({ source, epoch }).whereIn('seq', same).delete()
  })
}
