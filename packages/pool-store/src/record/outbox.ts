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

/** Notes up to which number the rows of each source were seen in the compliance database: see `outboxDepth`. */
export async function noteStagedThrough(
  db: Database,
  sources: readonly { source: string; epoch: number; throughSeq: number }[],
): Promise<void> {
  if (sources.length === 0) return
  await db.knex.transaction(async (tx) => {
    const rows = sources.map(({ source, epoch, throughSeq }) => ({ source, epoch, through_seq: throughSeq }))
    for (let from = 0; from < rows.length; from += BATCH)
      await tx('outbox_staged')
        .insert(rows.slice(from, from + BATCH))
        .onConflict(['source', 'epoch'])
        .merge()
  })
}

const BATCH = 400

/**
 * How many events wait, and since when (milliseconds since 1970; null when none waits). Rows that are kept although
 * the compliance database has their events do not count.
 *
 * A source's numbers have no gaps, so its first waiting number and its last one give its count: a few reads by key per
 * source with rows, however many rows there are.
 */
export async function outboxDepth(db: Database): Promise<{ rows: number; oldestAt: number | null }> {
  let rows = 0
  let oldestAt: number | null = null
  for (let first = await firstAfter(db, undefined); first; first = await firstAfter(db, first)) {
    const { source, epoch } = first
    const staged: { through_seq: number } | undefined = await db
      .knex('outbox_staged')
      .where({ source, epoch })
      .first('through_seq')
    const afterSeq = staged?.through_seq ?? 0
    const [waiting] = first.seq > afterSeq ? [first] : await outboxStamps(db, { source, epoch, afterSeq, limit: 1 })
    if (!waiting) continue
    const last: { seq: number } | undefined = await db
      .knex('outbox')
      .where({ source, epoch })
      .orderBy('seq', 'desc')
      .first('seq')
    // A relay may have deleted the rows meanwhile.
    if (!last) continue
    rows += last.seq - waiting.seq + 1
    oldestAt = Math.min(oldestAt ?? waiting.at, waiting.at)
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
