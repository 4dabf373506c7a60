import { type EnvelopeEvent, leafOf, nextHead } from '@hansard/compliance-event'
import type { Database, Knex } from '@hansard/sql'
import { gapsOfSource } from './accepted-gaps.ts'
import { examineEvent } from './examine-event.ts'
import { headAt } from './head-at.ts'
import { UNSEALED } from './migrations/exports.ts'
import { type Fit, insertStaged, stageOne } from './quarantine.ts'
import type { SourceIdentity } from './source-identity.ts'
import { CLOSING_LOCK } from './stage-rules.ts'
import { lateIn } from './walk.ts'

/**
 * Stages texts whose numbers count as staged although nothing is under them: the row was removed from the compliance
 * database, or the number was accepted as a gap.
 *
 * The chain decides whether it is the text of that number: it must follow from the number before, where that is here,
 * and lead to the number after. A removed event returns to its place. One that was accepted as a gap is late, and goes
 * into an addendum. What does not fit is in quarantine, whole.
 */
export async function refill(
  db: Database,
  identity: SourceIdentity,
  events: readonly EnvelopeEvent[],
  now: number,
): Promise<{ staged: number; quarantined: number }> {
  const { source: name, epoch, incarnation = '' } = identity
  return db.knex.transaction(async (tx) => {
    if (db.dialect === 'postgres') await tx.raw(`select pg_advisory_xact_lock_shared(${CLOSING_LOCK})`)
    const query = tx('source').where({ name, epoch, incarnation })
    if (db.dialect === 'postgres') query.forUpdate()
    const row: SourceRow | undefined = await query.first('id', 'staged_through', 'staged_head', 'cut_seq', 'lacks_from')
    const done = { staged: 0, quarantined: 0 }
    if (!row) return done
    const source = { ...row, source: name, epoch, incarnation }
    for (const event of events.toSorted((a, b) => a.seq - b.seq)) {
      const outcome = await refillOne(tx, source, event, now)
      if (outcome !== 'repeat') done[outcome] += 1
    }
    return done
  })
}

type SourceRow = { id: number; staged_through: number; staged_head: string; cut_seq: number; lacks_from: number }
type Source = SourceRow & SourceIdentity & { readonly incarnation: string }

async function refillOne(
  tx: Knex.Transaction,
  source: Source,
  arrived: EnvelopeEvent,
  now: number,
): Promise<'staged' | 'quarantined' | 'repeat'> {
  const { id } = source
  const { seq, at, head, body } = arrived
  if (await tx('staged_event').where({ source_id: id, seq }).first('seq')) return 'repeat'
  const found = await examine(tx, source, arrived)
  if (!found.fit) {
    const leaf = leafOf(body)
    const { reason } = found
    const kept = {
      source_id: id,
      seq,
      leaf,
      at,
      head,
      body: JSON.stringify(body),
      reason,
      state: 'waiting',
      counted: 0,
    }
    await tx('quarantined_event')
      .insert({ ...kept, quarantined_at: now })
      .onConflict(['source_id', 'seq', 'leaf'])
      .ignore()
    return 'quarantined'
  }
  // Its joins and parts were applied when it was staged first.
  if (found.inGap) await stageOne(tx, { source_id: id, seq }, found.staged, now)
  else {
    await insertStaged(tx, { source_id: id, seq }, found.staged, now)
    await bindAgain(tx, source, { seq, lateIn: found.staged.lateIn })
  }
  if (source.lacks_from === seq) await tx('source').where({ id }).update({ lacks_from: 0 })
  return 'staged'
}

/** Exports of its interval that were planned without it, and are not sealed, are planned again. */
async function bindAgain(tx: Knex, source: Source, { seq, lateIn }: { seq: number; lateIn: number }): Promise<void> {
  if (lateIn === 0 && seq > source.cut_seq) return
  const kind = lateIn === 0 ? 'interval' : 'addendum'
  const interval = lateIn === 0 ? await intervalOf(tx, source, seq) : lateIn
  const unsealed: number[] = await tx('export')
    .where({ kind, interval_number: interval ?? 0 })
    .whereRaw(UNSEALED)
    .pluck('id')
  await tx('compliance_fanout')
    .whereIn('export_id', unsealed)
    .andWhere({ source_id: source.id })
    .andWhere('seq', '>', seq)
    .delete()
  await tx('export').whereIn('id', unsealed).update({ state: 'planning' })
}

async function intervalOf(tx: Knex, { id }: Source, seq: number): Promise<number | undefined> {
  const part: { interval_number: number } | undefined = await tx('closed_interval_source')
    .where({ source_id: id })
    .andWhere('through_seq', '>=', seq)
    .orderBy('through_seq')
    .first('interval_number')
  return part?.interval_number
}

type Examined =
  | { readonly fit: true; readonly staged: Fit; readonly inGap: boolean }
  | { readonly fit: false; readonly reason: string }

async function examine(tx: Knex.Transaction, source: Source, arrived: EnvelopeEvent): Promise<Examined> {
  const { id, source: name, epoch, incarnation } = source
  const { seq, body, head } = arrived
  const gap = (await gapsOfSource(tx, id)).find(({ from, to }) => seq >= from && seq <= to)
  const neighbour = (which: '<' | '>', order: 'asc' | 'desc') =>
    tx('staged_event').where({ source_id: id }).andWhere('seq', which, seq).orderBy('seq', order).first()
  const before: StagedRow | undefined = await neighbour('<', 'desc')
  const after: StagedRow | undefined = await neighbour('>', 'asc')
  const headBefore = (await headAt(tx, source, seq - 1)) ?? ''
  const position = { source: name, epoch, incarnation, head: headBefore, lastStamp: before?.at ?? 0 }
  const examined = examineEvent(position, arrived)
  if (!examined.fit) return { fit: false, reason: examined.reason }
  if (after && examined.event.at > after.at) return { fit: false, reason: 'it is stamped after its successor' }
  const expected =
    gap?.to === seq && gap.head !== '' ? gap.head : seq === source.staged_through ? source.staged_head : ''
  const leads = after?.seq === seq + 1 ? nextHead(head, leafOf(after.body)) === after.head : true
  if (!leads || (expected !== '' && expected !== head))
    return { fit: false, reason: 'the number after it does not continue from its bytes' }
  const closed = (await tx('closed_interval').orderBy('number', 'desc').first('ends_at as endsAt', 'number')) ?? NONE
  const late = gap ? closed.number + 1 : await lateAsBefore(tx, source, examined.event, closed)
  return { fit: true, inGap: gap !== undefined, staged: { event: examined.event, body, head, lateIn: late } }
}

type StagedRow = { seq: number; at: number; head: string; body: string }
const NONE = { endsAt: 0, number: 0 }

/** Where it was before its row was removed: in its interval, or among the late events of one. */
async function lateAsBefore(
  tx: Knex.Transaction,
  { id, cut_seq }: Source,
  event: { seq: number; at: number },
  closed: { endsAt: number; number: number },
): Promise<number> {
  if (event.seq > cut_seq) return lateIn(event, { cutSeq: cut_seq }, closed)
  const part: { interval_number: number; after_seq: number } | undefined = await tx('closed_interval_source')
    .where({ source_id: id })
    .andWhere('through_seq', '>=', event.seq)
    .orderBy('through_seq')
    .first('interval_number', 'after_seq')
  return part && event.seq <= part.after_seq ? part.interval_number : 0
}
