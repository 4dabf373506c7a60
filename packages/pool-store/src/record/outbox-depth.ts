import type { Database } from '@hansard/sql'
import { outboxStamps } from './outbox.ts'

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
