import type { Database, Knex } from '@hansard/sql'
import { gapsOfSource } from './accepted-gaps.ts'
import { appendAudit } from './audit.ts'
import { headAt } from './head-at.ts'
import { UNSEALED } from './migrations/exports.ts'
import { keyOfSource, type SourceIdentity } from './source-identity.ts'
import { stageEvents } from './stage-events.ts'
import { CLOSING_LOCK } from './stage-rules.ts'

/** What one person asks: that these numbers, which no database has, are accepted as a gap. */
type GapRequest = {
  readonly source: SourceIdentity
  /** both included */
  readonly from: number
  readonly to: number
  readonly by: { readonly account: string; readonly officer: boolean }
  /** who proposed it, as that account stands now; absent: as it stood then. `may`: it could still propose this. */
  readonly proposer?: { readonly account: string; readonly officer: boolean; readonly may: boolean } | undefined
  /** a proposal needs one */
  readonly reason: string | undefined
  readonly now: number
}

type GapAnswer =
  | { readonly outcome: 'proposed' }
  | { readonly outcome: 'accepted'; readonly proposedBy: string; readonly reason: string }
  | { readonly outcome: 'refused'; readonly why: string; readonly hint: string }

const refuse = (why: string, hint: string): GapAnswer => ({ outcome: 'refused', why, hint })

/**
 * Proposes a gap, or accepts it when somebody else has proposed the same numbers. One of the two is an officer.
 *
 * The danger: an acceptance says that numbers of the record are missing for good, and intervals close over them. So it
 * takes two accounts, nothing that could still arrive may be there (the caller has looked into the outbox), and the
 * acceptance, its audit record and the source's progress over the gap are one transaction. Staging and closing are
 * locked out meanwhile.
 */
export async function acceptGap(db: Database, request: GapRequest): Promise<GapAnswer> {
  const { source: named, now } = request
  const answer = await db.knex.transaction(async (tx) => {
    if (db.dialect === 'postgres') await tx.raw(`select pg_advisory_xact_lock(${CLOSING_LOCK})`)
    const { source, epoch, incarnation = '' } = named
    const row: SourceRow | undefined = await tx('source')
      .where({ name: source, epoch, incarnation })
      .first('id', 'last_seq', 'head', 'staged_through', 'staged_head', 'fork_seq')
    const name = keyOfSource(named)
    if (!row) return refuse(`The compliance database does not know source ${name}.`, 'See `hansard gaps list`.')
    const problem = (await stillThere(tx, row, request)) ?? (await notMissing(tx, row, request))
    if (problem !== undefined) return refuse(problem, 'See `hansard gaps list`.')
    return decide(tx, { ...row, source, epoch, incarnation, name }, request)
  })
  // Events that waited for these numbers wait no longer.
  if (answer.outcome === 'accepted') await stageEvents(db, { ...named, events: [] }, now)
  return answer
}

type SourceRow = {
  id: number
  last_seq: number
  head: string
  staged_through: number
  staged_head: string
  fork_seq: number
}

/** Why the numbers are not lost: a text of them is here, or may be put in its place. */
async function stillThere(tx: Knex, { id }: SourceRow, { from, to }: GapRequest): Promise<string | undefined> {
  const inRange = (table: string) => tx(table).where({ source_id: id }).whereBetween('seq', [from, to])
  const waiting: { seq: number } | undefined = await inRange('quarantined_event').orderBy('seq').first('seq')
  if (waiting) return `A text of number ${waiting.seq} is in quarantine: \`hansard quarantine retry\` comes first.`
  for (const table of ['staged_event', 'parked_event']) {
    const found: { seq: number } | undefined = await inRange(table).orderBy('seq').first('seq')
    if (found) return `Number ${found.seq} is in the compliance database.`
  }
  return undefined
}

/** Why the numbers are no gap in the record. */
async function notMissing(tx: Knex, row: SourceRow, { from, to }: GapRequest): Promise<string | undefined> {
  const { id, last_seq, staged_through } = row
  if (row.fork_seq > 0)
    return 'The source has forked: it holds no interval open, and its manifests name what is missing.'
  if (to > last_seq && to > staged_through) return `The source has reported numbers up to ${last_seq} only.`
  if ((await gapsOfSource(tx, id)).some((gap) => gap.from <= to && gap.to >= from))
    return 'These numbers were accepted as a gap before.'
  if (from === staged_through + 1) return undefined
  if (to > staged_through) return `The first number that is missing is ${staged_through + 1}.`
  const sealed: { adapter: string; number: number } | undefined = await tx('compliance_fanout as f')
    .join('export as e', 'e.id', 'f.export_id')
    .where({ 'f.source_id': id, 'e.state': 'sealed' })
    .whereBetween('f.seq', [from, to])
    .first('e.adapter', 'e.number')
  if (sealed) return `Export ${sealed.adapter}/${sealed.number} has them, so they are not lost: restore the rows.`
  const signed = await tx('closed_interval_source as i')
    .join('pool_manifest as p', 'p.number', 'i.interval_number')
    .where('i.source_id', id)
    .andWhere('i.through_seq', '>=', from)
    .andWhere('i.after_seq', '<', to)
    .first('p.number')
  return signed && `The pool manifest of interval ${signed.number} has them, so they are not lost: restore the rows.`
}

type Named = SourceRow & Required<SourceIdentity> & { readonly name: string }

async function decide(tx: Knex, row: Named, request: GapRequest): Promise<GapAnswer> {
  const { from, to, by, now } = request
  const key = { source_id: row.id, from_seq: from }
  const proposal: Proposal | undefined = await tx('accepted_gap')
    .where({ ...key, state: 'proposed' })
    .first()
  const object = `${row.name} ${from}-${to}`
  const proposer = request.proposer?.account === proposal?.proposed_by ? request.proposer : undefined
  // What somebody proposed who has lost the right since is nobody's proposal any more.
  const lapsed = proposer?.may === false
  if (!proposal || proposal.to_seq !== to || proposal.proposed_by === by.account || lapsed) {
    const { reason } = request
    if (reason === undefined) return refuse('A proposal needs a reason.', 'Add --reason.')
    const who = { proposed_by: by.account, proposed_by_officer: by.officer ? 1 : 0, proposed_at: now }
    const proposed = { ...key, to_seq: to, state: 'proposed', reason, ...who }
    await tx('accepted_gap').insert(proposed).onConflict(['source_id', 'from_seq']).merge()
    await appendAudit(tx, { at: now, actor: by.account, action: 'propose-gap', object, detail: { reason } })
    return { outcome: 'proposed' }
  }
  const byOfficer = proposer?.officer ?? proposal.proposed_by_officer === 1
  if (!by.officer && !byOfficer)
    return refuse(
      `${proposal.proposed_by} proposed this gap, and neither of you is an officer.`,
      'An officer has to accept it.',
    )
  const { proposed_by: proposedBy, reason } = proposal
  const record = { proposedBy, reason, ...(request.reason === undefined ? {} : { remark: request.reason }) }
  const audit = await appendAudit(tx, { at: now, actor: by.account, action: 'accept-gap', object, detail: record })
  // Older proposals within it have the same keys as its pieces.
  await tx('accepted_gap').where({ source_id: row.id, state: 'proposed' }).whereBetween('from_seq', [from, to]).delete()
  for (const piece of await piecesOf(tx, row, { from, to }))
    await tx('accepted_gap').insert({
      ...proposal,
      ...piece,
      state: 'accepted',
      accepted_by: by.account,
      accepted_at: now,
      audit_number: audit.number,
      audit_head: audit.head,
    })
  await passOver(tx, row, { from, to })
  return { outcome: 'accepted', proposedBy, reason }
}

type Proposal = {
  source_id: number
  from_seq: number
  to_seq: number
  reason: string
  proposed_by: string
  proposed_by_officer: number
  proposed_at: number
}

type Range = { readonly from: number; readonly to: number }

/** A gap is in one export: one that was found in closed intervals ends where each of them ends. */
async function piecesOf(tx: Knex, row: Named, { from, to }: Range) {
  const parts: Cut[] = await tx('closed_interval_source')
    .where({ source_id: row.id })
    .andWhere('through_seq', '>=', from)
    .andWhere('after_seq', '<=', to)
    .select('after_seq', 'head_after', 'through_seq', 'head_through')
  const heads = new Map<number, string>()
  for (const part of parts) heads.set(part.after_seq, part.head_after).set(part.through_seq, part.head_through)
  if (to === row.staged_through) heads.set(to, row.staged_head)
  // The source itself has reported the head at its last number.
  if (to === row.last_seq) heads.set(to, row.head)
  const ends = [...new Set([...heads.keys()].filter((seq) => seq >= from && seq < to)), to].sort((a, b) => a - b)
  const pieces: { from_seq: number; to_seq: number; head_before: string; head: string }[] = []
  let start = from
  for (const end of ends) {
    const before = heads.get(start - 1) ?? (await headBefore(tx, row, start))
    pieces.push({ from_seq: start, to_seq: end, head_before: before, head: heads.get(end) ?? '' })
    start = end + 1
  }
  return pieces
}

type Cut = { after_seq: number; head_after: string; through_seq: number; head_through: string }

async function headBefore(tx: Knex, row: Named, from: number): Promise<string> {
  if (from === row.staged_through + 1) return row.staged_head
  return (await headAt(tx, row, from - 1)) ?? ''
}

async function passOver(tx: Knex, row: Named, { from, to }: Range): Promise<void> {
  if (to > row.staged_through) {
    const staged_head = to === row.last_seq ? row.head : ''
    await tx('source').where({ id: row.id }).update({ staged_through: to, staged_head })
    return
  }
  await tx('source').where({ id: row.id }).update({ lacks_from: 0 })
  // They were bound to exports, which are planned again without them.
  const bound = () => tx('compliance_fanout').where({ source_id: row.id }).whereBetween('seq', [from, to])
  const exports: number[] = await bound().distinct('export_id').pluck('export_id')
  if (exports.length === 0) return
  await bound().delete()
  await tx('export').whereIn('id', exports).whereRaw(UNSEALED).update({ state: 'planning' })
}
