import type { Database, Knex } from '@hansard/sql'
import type { Export } from './exports.ts'
import { headAt } from './head-at.ts'
import { byIdentity, type SourceIdentity } from './source-identity.ts'

/** Numbers of a source, both ends included, that two people have accepted as a gap. `head` is "" where unknown. */
type SourceGap = { readonly from: number; readonly to: number; readonly head: string }

/** The accepted gaps of a source, ascending. */
export async function gapsOfSource(knex: Knex, sourceId: number): Promise<SourceGap[]> {
  return knex('accepted_gap')
    .where({ source_id: sourceId, state: 'accepted' })
    .orderBy('from_seq')
    .select('from_seq as from', 'to_seq as to', 'head')
}

/** Leaves out rows of a source whose numbers were accepted as a gap: they came later and are in an addendum. */
export function outsideGaps<Q extends Knex.QueryBuilder>(query: Q, gaps: readonly SourceGap[]): Q {
  for (const { from, to } of gaps) query.andWhere((some) => void some.where('seq', '<', from).orWhere('seq', '>', to))
  return query
}

/** A gap as the manifest of an export names it. */
export type StagedGap = Required<SourceIdentity> & {
  readonly from: number
  readonly to: number
  /** the chain at `to`; null where the source has reported none there */
  readonly head: string | null
  /** then the chain at the number after it, as the source recorded it */
  readonly headAfter: string | null
  readonly acceptedBy: readonly [string, string]
  readonly at: number
  readonly reason: string
}

type GapRow = Required<SourceIdentity> & {
  id: number
  from: number
  to: number
  head: string
  proposedBy: string
  acceptedBy: string
  at: number
  reason: string
}

const GAP_COLUMNS = [
  's.id',
  's.name as source',
  's.epoch',
  's.incarnation',
  'g.from_seq as from',
  'g.to_seq as to',
  'g.head',
  'g.reason',
  'g.proposed_by as proposedBy',
  'g.accepted_by as acceptedBy',
  'g.accepted_at as at',
]

function accepted(knex: Knex): Knex.QueryBuilder {
  return knex('accepted_gap as g').join('source as s', 's.id', 'g.source_id').where('g.state', 'accepted')
}

/**
 * The accepted gaps in an export, by source and number. A gap is in the interval of its source's part that contains it.
 * In front of late events it is in the addendum that has the next of these.
 */
export async function gapsOfExport(db: Database, planned: Export): Promise<StagedGap[]> {
  const rows =
    planned.kind === 'interval' ? await inInterval(db, planned.intervalNumber) : await inAddendum(db, planned)
  const gaps: StagedGap[] = []
  for (const { id, head, proposedBy, acceptedBy, ...row } of rows) {
    const after = head === '' ? await headAt(db.knex, { ...row, id }, row.to + 1) : undefined
    gaps.push({ ...row, head: head || null, headAfter: after ?? null, acceptedBy: [proposedBy, acceptedBy] })
  }
  return gaps.sort((a, b) => byIdentity(a, b) || a.from - b.from)
}

async function inInterval(db: Database, number: number): Promise<GapRow[]> {
  return accepted(db.knex)
    .join('closed_interval_source as i', 'i.source_id', 'g.source_id')
    .where('i.interval_number', number)
    .andWhereRaw('g.from_seq > i.after_seq and g.to_seq <= i.through_seq')
    .select(GAP_COLUMNS)
}

async function inAddendum(db: Database, { id, adapter, intervalNumber }: Export): Promise<GapRow[]> {
  const rows: GapRow[] = await accepted(db.knex)
    .whereIn('g.source_id', db.knex('compliance_fanout').where({ export_id: id }).distinct('source_id'))
    .whereNotExists(
      db
        .knex('closed_interval_source as i')
        .whereRaw('i.source_id = g.source_id and g.from_seq > i.after_seq and g.to_seq <= i.through_seq')
        .select(db.knex.raw('1')),
    )
    .select(GAP_COLUMNS)
  const found: GapRow[] = []
  for (const row of rows) {
    const next = await outsideGaps(
      db.knex('staged_event').where({ source_id: row.id, late_in: intervalNumber }).andWhere('seq', '>', row.to),
      await gapsOfSource(db.knex, row.id),
    )
      .orderBy('seq')
      .first('seq')
    if (!next) continue
    const bound = await db
      .knex('compliance_fanout')
      .where({ adapter, source_id: row.id, seq: next.seq, export_id: id })
      .first('seq')
    if (bound) found.push(row)
  }
  return found
}

/** Every gap, the newest first: accepted, or proposed by one person. */
export async function listGaps(db: Database, { limit }: { limit: number }): Promise<GapOnRecord[]> {
  return db
    .knex('accepted_gap as g')
    .join('source as s', 's.id', 'g.source_id')
    .orderBy([{ column: 'g.proposed_at', order: 'desc' }, 's.name', 's.epoch', 's.incarnation', 'g.from_seq'])
    .limit(limit)
    .select(
      's.name as source',
      's.epoch',
      's.incarnation',
      'g.from_seq as from',
      'g.to_seq as to',
      'g.state',
      'g.reason',
    )
    .select('g.proposed_by as proposedBy', 'g.proposed_at as proposedAt')
    .select('g.accepted_by as acceptedBy', 'g.accepted_at as acceptedAt')
}

export type GapOnRecord = SourceIdentity & {
  readonly incarnation: string
  readonly from: number
  readonly to: number
  readonly state: 'proposed' | 'accepted'
  readonly reason: string
  readonly proposedBy: string
  readonly proposedAt: number
  readonly acceptedBy: string | null
  readonly acceptedAt: number | null
}
