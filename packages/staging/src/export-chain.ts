import { leafOf, nextHead, type SourceState } from '@hansard/compliance-event'
import { yieldToEventLoop } from '@hansard/lifecycle'
import type { Database } from '@hansard/sql'
import type { Export } from './exports.ts'
import { oneNumber } from './one-number.ts'
import { byIdentity, type SourceIdentity } from './source-identity.ts'

/** A source's part of an interval: its numbers in `(afterSeq, throughSeq]`, none if the two are equal. */
export type ExportSource = {
  readonly id: number
  readonly source: string
  readonly epoch: number
  readonly incarnation: string
  readonly state: SourceState
  readonly afterSeq: number
  readonly headAfter: string
  readonly throughSeq: number
  readonly headThrough: string
}

/** One number of a source: an event of the export, or a quarantined one in its place. */
export type ChainLink = {
  readonly seq: number
  readonly leaf: string
  readonly head: string
  /** `null`: quarantined, in no document */
  readonly kind: string | null
  /** the text that was hashed; undefined if it is in quarantine */
  readonly body?: string | undefined
}

/** The sources in an interval's manifest, as they were when it closed; sorted by name (code points), epoch and incarnation. */
export async function sourcesOfInterval(db: Database, intervalNumber: number): Promise<ExportSource[]> {
  const rows: ExportSource[] = await db
    .knex('closed_interval_source as i')
    .join('source as s', 's.id', 'i.source_id')
    .where('i.interval_number', intervalNumber)
    .select(
      's.id',
      's.name as source',
      's.epoch',
      's.incarnation',
      'i.state',
      'i.after_seq as afterSeq',
      'i.head_after as headAfter',
      'i.through_seq as throughSeq',
      'i.head_through as headThrough',
    )
  return rows.sort(byIdentity)
}

/**
 * The sources whose late events are in an addendum, sorted likewise, in their state when its interval closed. A
 * source without such a state had finished before, and its state no longer changes.
 */
export async function sourcesOfAddendum(
  db: Database,
  addendum: Export,
): Promise<(Required<SourceIdentity> & { id: number; state: SourceState })[]> {
  const rows: (Required<SourceIdentity> & { id: number; state: SourceState })[] = await db
    .knex('source as s')
    .leftJoin('closed_interval_source as i', (on) =>
      on.on('i.source_id', 's.id').andOnVal('i.interval_number', addendum.intervalNumber),
    )
    .whereIn('s.id', db.knex('compliance_fanout').where({ export_id: addendum.id }).distinct('source_id'))
    .select('s.id', 's.name as source', 's.epoch', 's.incarnation', db.knex.raw('coalesce(i.state, s.state) as state'))
  return rows.sort(byIdentity)
}

const PAGE = 2_000

/**
 * Every number of a source that belongs to an interval, in order, with the hash of its text. Verifies on the way that
 * the heads recorded at accept time follow from the texts in the database now, so a text altered since it was staged
 * is found before it is exported.
 *
 * Quarantined numbers are part of the chain. They come with the hash of the quarantined text, whether or not they
 * have been resolved since, so that an interval rendered again has the same content.
 */
export async function* chainOfInterval(db: Database, source: ExportSource): AsyncGenerator<ChainLink> {
  let head = source.headAfter
  for (let after = source.afterSeq; after < source.throughSeq; ) {
    const through = Math.min(after + PAGE, source.throughSeq)
    const staged: { seq: number; body: string; head: string; kind: string }[] = await db
      .knex('staged_event')
      .where({ source_id: source.id, late_in: 0 })
      .whereBetween('seq', [after + 1, through])
      .select('seq', 'body', 'head', 'kind')
    const links: ChainLink[] = staged.map((event) => ({ ...event, leaf: leafOf(event.body) }))
    if (links.length < through - after) links.push(...(await quarantinedLinks(db, source.id, after, through, links)))
    links.sort((a, b) => a.seq - b.seq)
    for (const link of links) {
      after += 1
      const follows = nextHead(head, link.leaf) === link.head
      if (link.seq !== after || (link.kind !== null && !follows)) throw new StagingAltered(source, after)
      head = link.head
      yield link
    }
    if (after !== through) throw new StagingAltered(source, after + 1)
    await yieldToEventLoop()
  }
  if (head !== source.headThrough) throw new StagingAltered(source, source.throughSeq)
}

/**
 * The numbers of a source in an addendum. When a whole source came late, the quarantined numbers among its late ones
 * are included: they belong to no interval.
 */
export async function* chainOfAddendum(db: Database, addendum: Export, sourceId: number): AsyncGenerator<ChainLink> {
  const { adapter, id: export_id, intervalNumber } = addendum
  const isBound = async (seq: number) =>
    (await db.knex('compliance_fanout').where({ adapter, source_id: sourceId, seq, export_id }).first('seq')) !==
    undefined
  const placeholders = await quarantinedAmongLate(db, { intervalNumber, sourceId, isOf: isBound })
  for (let after = 0; ; ) {
    const rows: { seq: number; body: string; head: string; kind: string }[] = await db
      .knex('compliance_fanout as f')
      .join('staged_event as e', (on) => on.on('e.source_id', 'f.source_id').andOn('e.seq', 'f.seq'))
      .where({ 'f.adapter': addendum.adapter, 'f.source_id': sourceId, 'f.export_id': addendum.id })
      .andWhere('f.seq', '>', after)
      .orderBy('f.seq')
      .limit(PAGE)
      .select('e.seq', 'e.body', 'e.head', 'e.kind')
    for (const { seq, body, head, kind } of rows) {
      while (placeholders[0] && placeholders[0].seq < seq) yield placeholders.shift()!
      yield { seq, leaf: leafOf(body), head, kind, body }
    }
    const last = rows.at(-1)
    if (!last) return
    after = last.seq
    await yieldToEventLoop()
  }
}

/** `isOf`: whether the addendum contains the late event with this number. */
export async function quarantinedAmongLate(
  db: Database,
  {
    intervalNumber: number,
    sourceId,
    isOf,
  }: { intervalNumber: number; sourceId: number; isOf: (seq: number) => Promise<boolean> },
): Promise<ChainLink[]> {
  const part = await db
    .knex('closed_interval_source')
    .where({ interval_number: number, source_id: sourceId })
    .first('after_seq')
  if (!part) return []
  const before = await oneNumber(
    db
      .knex('closed_interval_source')
      .where({ source_id: sourceId })
      .andWhere('interval_number', '<', number)
      .max('through_seq'),
  )
  const rows: { seq: number; leaf: string; head: string }[] = await db
    .knex('quarantined_event')
    .where({ source_id: sourceId, counted: 1 })
    .whereBetween('seq', [(before ?? 0) + 1, part.after_seq])
    .orderBy('seq')
    .select('seq', 'leaf', 'head')
  const links: ChainLink[] = []
  for (const row of rows) {
    // It goes into the same addendum as the event that follows it.
    const next = await db
      .knex('staged_event')
      .where({ source_id: sourceId, late_in: number })
      .andWhere('seq', '>=', row.seq)
      .orderBy('seq')
      .first('seq')
    if (!next || next.seq === row.seq) continue
    if (await isOf(next.seq)) links.push({ ...row, kind: null })
  }
  return links
}

async function quarantinedLinks(
  db: Database,
  sourceId: number,
  after: number,
  through: number,
  staged: readonly ChainLink[],
): Promise<ChainLink[]> {
  const rows: { seq: number; leaf: string; head: string }[] = await db
    .knex('quarantined_event')
    .where({ source_id: sourceId, counted: 1 })
    .whereBetween('seq', [after + 1, through])
    .select('seq', 'leaf', 'head')
  const inTime = new Set(staged.map((link) => link.seq))
  return rows.filter((row) => !inTime.has(row.seq)).map((row) => ({ ...row, kind: null }))
}

/** Needs an operator: what is staged differs from what was accepted. Exports stop until it has been examined. */
class StagingAltered extends Error {
  override name = 'StagingAltered'
  constructor({ source, epoch }: { source: string; epoch: number }, seq: number) {
    super(`The compliance database does not hold event ${source}/${epoch}/${seq} as it was accepted.`)
  }
}
