import { type EnvelopeEvent, leafOf } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import { keyOfSource, type SourceIdentity } from './source-identity.ts'

/** What the compliance database has of a source. */
export type StagedState = {
  /** every number up to this one is staged or quarantined */
  readonly stagedThrough: number
  /** head of the chain there */
  readonly stagedHead: string
  /** numbers of the source have two texts: which of them the pool holds must be compared text by text */
  readonly forked: boolean
  /** ranges in which numbers that count as staged may have no text: the outbox may still have them */
  readonly lacking: readonly { readonly from: number; readonly to: number }[]
}

/** By `keyOfSource`, of those sources that are known here. */
export async function stagedStates(
  db: Database,
  sources: readonly SourceIdentity[],
): Promise<Map<string, StagedState>> {
  const found = new Map<string, StagedState>()
  const gaps = await recentGaps(db)
  const add = (rows: readonly Row[]) => {
    for (const row of rows) {
      const removed = row.lacks_from > 0 ? [{ from: row.lacks_from, to: row.lacks_from }] : []
      found.set(keyOfSource(row), {
        stagedThrough: row.staged_through,
        stagedHead: row.staged_head,
        forked: row.fork_seq > 0,
        lacking: [...removed, ...gaps.filter(({ source_id }) => source_id === row.id)],
      })
    }
  }
  const select = () =>
    db
      .knex('source')
      .select('name as source', 'epoch', 'incarnation', 'staged_through', 'staged_head', 'fork_seq')
      .select('id', 'lacks_from')
  add(await select().where('finished', 0))
  for (const missing of sources.filter((source) => !found.has(keyOfSource(source)))) {
    const { source: name, epoch, incarnation = '' } = missing
    add(await select().where({ name, epoch, incarnation }))
  }
  return found
}

type Row = Required<SourceIdentity> & {
  id: number
  staged_through: number
  staged_head: string
  fork_seq: number
  lacks_from: number
}

const GAPS_MAX = 20

/** The newest accepted gaps: somebody may put their numbers back into the outbox. */
async function recentGaps(db: Database): Promise<{ source_id: number; from: number; to: number }[]> {
  return db
    .knex('accepted_gap')
    .where({ state: 'accepted' })
    .orderBy('accepted_at', 'desc')
    .limit(GAPS_MAX)
    .select('source_id', 'from_seq as from', 'to_seq as to')
}

/**
 * Which of these texts of a source the compliance database holds at this moment, staged or in quarantine, and since
 * when: by number. The texts themselves are compared; that a number is known says nothing. A number that was adopted
 * from a sealed export counts by its hash: the text is in that export.
 */
export async function heldTexts(
  db: Database,
  { source: name, epoch, incarnation = '' }: SourceIdentity,
  texts: readonly Pick<EnvelopeEvent, 'seq' | 'body'>[],
): Promise<Map<number, number>> {
  const held = new Map<number, number>()
  const [first, last] = [texts[0], texts.at(-1)]
  const row: { id: number } | undefined = await db.knex('source').where({ name, epoch, incarnation }).first('id')
  if (!row || !first || !last) return held
  const staged: { seq: number; body: string; staged_at: number }[] = await db
    .knex('staged_event')
    .where({ source_id: row.id })
    .whereBetween('seq', [first.seq, last.seq])
    .select('seq', 'body', 'staged_at')
  const bySeq = new Map(staged.map((event) => [event.seq, event]))
  const others = texts.filter(({ seq, body }) => {
    const event = bySeq.get(seq)
    if (event?.body !== body) return true
    held.set(seq, event.staged_at)
    return false
  })
  if (others.length === 0) return held
  const quarantined: { seq: number; leaf: string; quarantined_at: number }[] = await db
    .knex('quarantined_event')
    .where({ source_id: row.id })
    .whereBetween('seq', [others[0]!.seq, others.at(-1)!.seq])
    .select('seq', 'leaf', 'quarantined_at')
  const byLeaf = new Map(quarantined.map((event) => [`${event.seq} ${event.leaf}`, event.quarantined_at]))
  for (const { seq, body } of others) {
    const since = byLeaf.get(`${seq} ${leafOf(body)}`)
    if (since !== undefined) held.set(seq, since)
  }
  return held
}
