import { type Database, type Knex, type Lease, underLease } from '@hansard/sql'
import { gapsOfSource } from './accepted-gaps.ts'
import { examineEvent } from './examine-event.ts'
import { headAt } from './head-at.ts'
import { oneNumber } from './one-number.ts'
import { pairStays, presenceOf } from './pair-stays.ts'
import { writeAnswer } from './requests.ts'
import { ANOTHER_TEXT, CLOSING_LOCK } from './stage-rules.ts'
import { lateIn } from './walk.ts'

/** An event that could not be staged, kept whole until an operator resolves it. */
type Quarantined = {
  readonly source: string
  readonly epoch: number
  readonly incarnation: string
  readonly seq: number
  readonly leaf: string
  readonly at: number
  readonly reason: string
  readonly quarantinedAt: number
  readonly body: string
}

export async function countQuarantined(db: Database): Promise<number> {
  return (await oneNumber(db.knex('quarantined_event').where({ state: 'waiting' }).count())) ?? 0
}

export async function listQuarantined(db: Database, { limit }: { limit: number }): Promise<Quarantined[]> {
  const rows: QuarantinedRow[] = await waiting(db.knex).limit(limit)
  return rows.map((row) => ({
    source: row.source,
    epoch: row.epoch,
    incarnation: row.incarnation,
    seq: row.seq,
    leaf: row.leaf,
    at: row.at,
    reason: row.reason,
    quarantinedAt: row.quarantined_at,
    body: JSON.parse(row.body) as string,
  }))
}

type QuarantinedRow = {
  source_id: number
  source: string
  epoch: number
  incarnation: string
  cut_seq: number
  staged_through: number
  seq: number
  leaf: string
  at: number
  head: string
  body: string
  reason: string
  quarantined_at: number
}

function waiting(knex: Knex) {
  return knex('quarantined_event as q')
    .join('source as s', 's.id', 'q.source_id')
    .where('q.state', 'waiting')
    .orderBy(['q.source_id', 'q.seq', 'q.leaf'])
    .select('q.*', 's.name as source', 's.epoch', 's.incarnation', 's.cut_seq', 's.staged_through')
}

/**
 * Retries everything in quarantine: a newer program may read what an older one could not.
 *
 * An event that is valid now is staged under its own number. If its interval has closed, it is late and goes into an
 * addendum; the sealed export stays unchanged. It works page by page, because staging waits for each transaction, and
 * reports after the last page. An interrupted retry starts again; what it had staged has left quarantine.
 */
export async function retryQuarantine(
  db: Database,
  lease: Lease,
  { now, requestId, pageRows = PAGE_ROWS }: { now: number; requestId?: number | undefined; pageRows?: number },
): Promise<{ staged: number; remaining: number }> {
  const result = { staged: 0, remaining: 0 }
  let after: QuarantinedRow | undefined
  for (;;) {
    const from = after
    const page = await underLease(db, lease, async (tx) => {
      if (db.dialect === 'postgres') await tx.raw(`select pg_advisory_xact_lock(${CLOSING_LOCK})`)
      const query = waiting(tx).limit(pageRows)
      if (from) query.whereRaw('(q.source_id, q.seq, q.leaf) > (?, ?, ?)', [from.source_id, from.seq, from.leaf])
      const rows: QuarantinedRow[] = await query
      const found = { staged: 0, remaining: 0, last: rows.at(-1), more: rows.length === pageRows }
      for (const row of rows) found[(await retry(tx, row, now)) === 'staged' ? 'staged' : 'remaining'] += 1
      if (requestId !== undefined && !found.more) {
        const total = { staged: result.staged + found.staged, remaining: result.remaining + found.remaining }
        await writeAnswer(tx, { id: requestId, answer: { state: 'done', result: total }, now })
      }
      return found
    })
    result.staged += page.staged
    result.remaining += page.remaining
    if (!page.more) return result
    after = page.last
  }
}

const PAGE_ROWS = 500

async function retry(tx: Knex.Transaction, row: QuarantinedRow, now: number): Promise<'staged' | 'waiting'> {
  const key = { source_id: row.source_id, seq: row.seq, leaf: row.leaf }
  const remain = async (reason: string) => {
    await tx('quarantined_event').where(key).update({ reason })
    return 'waiting' as const
  }
  // Beyond the staged numbers the walk decides, and requests the event from the pool again.
  if (row.seq > row.staged_through) return 'waiting'
  const staged = await tx('staged_event').where({ source_id: row.source_id, seq: row.seq }).first('body')
  if (staged && staged.body === JSON.parse(row.body)) {
    await tx('quarantined_event').where(key).update({ state: 'staged', resolved_at: now })
    return 'staged'
  }
  if (staged) return remain(ANOTHER_TEXT)

  const before = await tx('staged_event')
    .where({ source_id: row.source_id })
    .andWhere('seq', '<', row.seq)
    .orderBy('seq', 'desc')
    .first('at')
  const after = await tx('staged_event')
    .where({ source_id: row.source_id })
    .andWhere('seq', '>', row.seq)
    .orderBy('seq')
    .first('at')
  const position = {
    source: row.source,
    epoch: row.epoch,
    incarnation: row.incarnation,
    head: (await headAt(tx, { ...row, id: row.source_id }, row.seq - 1)) ?? '',
    lastStamp: before?.at ?? 0,
  }
  const body = JSON.parse(row.body) as string
  const examined = examineEvent(position, { seq: row.seq, at: row.at, body, head: row.head })
  if (!examined.fit) return remain(examined.reason)
  if (after && examined.event.at > after.at) return remain('it is stamped after its successor')

  const closed = await tx('closed_interval').orderBy('number', 'desc').first('ends_at as endsAt', 'number')
  const inGap = (await gapsOfSource(tx, row.source_id)).some(({ from, to }) => row.seq >= from && row.seq <= to)
  // A number that was accepted as a gap is late, although its interval may be open.
  const late = inGap
    ? (closed?.number ?? 0) + 1
    : lateIn(examined.event, { cutSeq: row.cut_seq }, closed ?? { endsAt: 0, number: 0 })
  await stageOne(tx, row, { event: examined.event, body, head: row.head, lateIn: late }, now)
  await tx('quarantined_event').where(key).update({ state: 'staged', resolved_at: now })
  return 'staged'
}

/** @internal An event that was found fit. */
export type Fit = Parameters<typeof presenceOf>[0][number]
type Place = { readonly source_id: number; readonly seq: number }

/** @internal Stages one event outside of the stream of its source, and returns its room. */
export async function insertStaged(tx: Knex.Transaction, row: Place, fit: Fit, now: number): Promise<number> {
  const { event, body, head } = fit
  await tx('staged_room').insert({ uri: event.room.uri }).onConflict('uri').ignore()
  const { id: roomId } = await tx('staged_room').where({ uri: event.room.uri }).first('id')
  await tx('staged_event').insert({
    source_id: row.source_id,
    seq: row.seq,
    at: event.at,
    room_id: roomId,
    room_seq: event.room.seq,
    kind: event.kind,
    late_in: fit.lateIn,
    head,
    body,
    staged_at: now,
  })
  return roomId
}

/** @internal Likewise, with the stays that it begins and ends. */
export async function stageOne(tx: Knex.Transaction, row: Place, fit: Fit, now: number): Promise<void> {
  const { event } = fit
  const roomId = await insertStaged(tx, row, fit, now)
  for (const presence of presenceOf([fit], new Map([[event.room.uri, roomId]]))) {
    const key = { room_id: presence.roomId, session: presence.session }
    const stays = await tx('participation')
      .where(key)
      .andWhere('parted_room_seq', '>', presence.sinceRoomSeq)
      .select(
        'room_id as roomId',
        'session',
        'joined_room_seq as joinedRoomSeq',
        'joined_at as joinedAt',
        'joined_late_in as joinedLateIn',
        'principal',
        'room_name as roomName',
        'parted_room_seq as partedRoomSeq',
        'parted_at as partedAt',
        'parted_late_in as partedLateIn',
      )
    const early = await tx('early_part')
      .where(key)
      .select('room_id as roomId', 'session', 'room_seq as roomSeq', 'at', 'late_in as lateIn')
    const paired = pairStays([presence], stays, early)
    for (const stay of [...paired.added, ...paired.changed]) {
      await tx('participation')
        .insert({
          ...key,
          joined_room_seq: stay.joinedRoomSeq,
          joined_at: stay.joinedAt,
          joined_late_in: stay.joinedLateIn,
          principal: stay.principal,
          room_name: stay.roomName,
          parted_room_seq: stay.partedRoomSeq,
          parted_at: stay.partedAt,
          parted_late_in: stay.partedLateIn,
        })
        .onConflict(['room_id', 'session', 'joined_room_seq'])
        .merge(['parted_room_seq', 'parted_at', 'parted_late_in'])
    }
    for (const part of paired.earlyDropped)
      await tx('early_part')
        .where({ ...key, room_seq: part.roomSeq })
        .delete()
    for (const part of paired.earlyAdded) {
      const early = { ...key, room_seq: part.roomSeq, at: part.at, late_in: part.lateIn }
      await tx('early_part').insert(early).onConflict(['room_id', 'session', 'room_seq']).ignore()
    }
  }
}
