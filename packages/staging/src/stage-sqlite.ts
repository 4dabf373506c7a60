import { type EnvelopeEvent, genesisHead } from '@hansard/compliance-event'
import { type SqliteHandle, withSqlite } from '@hansard/sql'
import type SqliteDatabase from 'better-sqlite3'
import { type Departure, type PairedStay, pairStays, presenceOf } from './pair-stays.ts'
import { PARKED_PAGE, type Stage } from './stage-rules.ts'
import {
  type ClosedThrough,
  forkedAmong,
  type KnownTexts,
  type StagedRow,
  unheldAmong,
  type WalkedSource,
  walk,
} from './walk.ts'

type Sql = Record<StatementName, SqliteDatabase.Statement>
const prepared = new WeakMap<SqliteHandle, { sql: Sql; rooms: Map<string, number> }>()

/** One transaction, synchronous from begin to commit. */
export const stageSqlite: Stage = (db, identity, arrived, now) =>
  withSqlite(db, (handle) => {
    const { sql, rooms } = preparedFor(handle)
    const newRooms = new Map<string, number>()
    handle.exec('BEGIN IMMEDIATE')
    try {
      const result = stage(sql, identity, arrived, now, (uri) => {
        const known = rooms.get(uri) ?? newRooms.get(uri)
        if (known !== undefined) return known
        sql.addRoom.run(uri)
        const { id } = sql.room.get(uri) as { id: number }
        newRooms.set(uri, id)
        return id
      })
      handle.exec('COMMIT')
      // Only after the commit: a rolled back room has no number.
      for (const [uri, id] of newRooms) rooms.set(uri, id)
      return result
    } catch (error) {
      if (handle.inTransaction) handle.exec('ROLLBACK')
      throw error
    }
  })

function stage(
  sql: Sql,
  identity: { source: string; epoch: number; incarnation?: string | undefined },
  arrived: readonly EnvelopeEvent[] | 'parked',
  now: number,
  roomId: (uri: string) => number,
) {
  const closed = (sql.closed.get() as ClosedThrough | undefined) ?? { endsAt: 0, number: 0 }
  const progress = readProgress(sql, identity, arrived)
  const events = arrived === 'parked' ? readParked(sql, progress) : arrived
  const again = events.filter((event) => event.seq <= progress.stagedThrough)
  const known = knownTexts(sql, progress)
  const forks = forkedAmong(again, known, closed)
  const forked = progress.forked || forks.length > 0
  const walked = walk({ ...progress, forked }, again.length === 0 ? events : events.slice(again.length), closed)

  if (forked && !progress.forked) sql.fork.run(forks[0]!.seq, forks[0]!.forkIn, progress.id)
  const roomIds = new Map<string, number>()
  for (const row of walked.staged) {
    const { event } = row
    const id = roomId(event.room.uri)
    roomIds.set(event.room.uri, id)
    // biome-ignore format: in the order of the columns
    sql.addEvent.run(progress.id, event.seq, event.at, id, event.room.seq, event.kind, row.lateIn, row.head, row.body, now)
  }
  writePresence(sql, walked.staged, roomIds)
  for (const { seq, leaf, at, head, body, reason, counted, forkIn } of [...forks, ...walked.quarantined]) {
    sql.quarantine.run(progress.id, seq, leaf, at, head, JSON.stringify(body), reason, counted ? 1 : 0, forkIn, now)
    // A suspect is not read from the parked events: its second delivery must come from the pool.
    if (!counted) sql.unpark.run(progress.id, seq, seq)
  }
  if (arrived !== 'parked') {
    for (const { seq, at, head, body } of walked.beyond) sql.park.run(progress.id, seq, at, head, JSON.stringify(body))
  }
  if (walked.stagedThrough > progress.stagedThrough) {
    sql.unpark.run(progress.id, progress.stagedThrough + 1, walked.stagedThrough)
    sql.progress.run(walked.stagedThrough, walked.head, walked.lastStamp, progress.id)
  }
  return {
    staged: walked.staged.length,
    quarantined: forks.length + walked.quarantined.length,
    parked: arrived === 'parked' ? 0 : walked.beyond.length,
    again: again.length,
    unheld: unheldAmong(again, known),
    more: sql.isParked.get(progress.id, walked.stagedThrough + 1) !== undefined,
  }
}

function readProgress(
  sql: Sql,
  { source, epoch, incarnation = '' }: { source: string; epoch: number; incarnation?: string | undefined },
  arrived: readonly EnvelopeEvent[] | 'parked',
): WalkedSource {
  let row = sql.source.get(source, epoch, incarnation) as SourceRow | undefined
  if (!row) {
    const genesis = genesisHead(source, epoch, incarnation)
    const startedAt = arrived === 'parked' ? 0 : (arrived[0]?.at ?? 0)
    sql.addSource.run(source, epoch, incarnation, startedAt, genesis, genesis, genesis)
    row = sql.source.get(source, epoch, incarnation) as SourceRow
  }
  const suspects = new Set((sql.suspects.all(row.id) as { key: string }[]).map(({ key }) => key))
  return { ...row, suspects, forked: row.forkSeq > 0 }
}

type SourceRow = Omit<WalkedSource, 'suspects' | 'forked'> & { forkSeq: number }

function readParked(sql: Sql, progress: WalkedSource): EnvelopeEvent[] {
  const rows = sql.parked.all(progress.id, progress.stagedThrough, PARKED_PAGE) as EnvelopeEvent[]
  return rows.map((row) => ({ ...row, body: JSON.parse(row.body) as string }))
}

function knownTexts(sql: Sql, { id }: WalkedSource): KnownTexts {
  return {
    stagedBody: (seq) => (sql.stagedBody.get(id, seq) as { body: string } | undefined)?.body,
    isQuarantined: (seq, leaf) => sql.isQuarantined.get(id, seq, leaf) !== undefined,
    isCounted: (seq) => sql.isCounted.get(id, seq) !== undefined,
  }
}

function writePresence(sql: Sql, staged: readonly StagedRow[], roomIds: ReadonlyMap<string, number>): void {
  const presences = presenceOf(staged, roomIds)
  if (presences.length === 0) return
  const stays = presences.flatMap((p) => sql.stays.all(p.roomId, p.session, p.sinceRoomSeq) as PairedStay[])
  const early = presences.flatMap((p) => sql.early.all(p.roomId, p.session) as Departure[])
  const paired = pairStays(presences, stays, early)
  for (const s of paired.added) {
    // biome-ignore format: in the order of the columns
    sql.addStay.run(s.roomId, s.session, s.joinedRoomSeq, s.joinedAt, s.joinedLateIn, s.principal, s.roomName, s.partedRoomSeq, s.partedAt, s.partedLateIn)
  }
  for (const s of paired.changed) {
    sql.endStay.run(s.partedRoomSeq, s.partedAt, s.partedLateIn, s.roomId, s.session, s.joinedRoomSeq)
  }
  for (const d of paired.earlyDropped) sql.dropEarly.run(d.roomId, d.session, d.roomSeq)
  for (const d of paired.earlyAdded) sql.addEarly.run(d.roomId, d.session, d.roomSeq, d.at, d.lateIn)
}

function preparedFor(handle: SqliteHandle): { sql: Sql; rooms: Map<string, number> } {
  let found = prepared.get(handle)
  if (!found) {
    const entries = Object.entries(STATEMENTS).map(([name, text]) => [name, handle.prepare(text)])
    found = { sql: Object.fromEntries(entries) as Sql, rooms: new Map() }
    prepared.set(handle, found)
  }
  return found
}

type StatementName = keyof typeof STATEMENTS
const STATEMENTS = {
  closed: 'select ends_at as "endsAt", number from closed_interval order by number desc limit 1',
  source: `select id, name as source, epoch, incarnation, staged_through as "stagedThrough", staged_head as head,
             last_stamp as "lastStamp", cut_seq as "cutSeq", fork_seq as "forkSeq" from source
           where name = ? and epoch = ? and incarnation = ?`,
  addSource: `insert into source (name, epoch, incarnation, state, started_at, last_seq, head, reported_at, staged_through,
                staged_head, last_stamp, cut_seq, cut_head, finished)
              values (?, ?, ?, 'alive', ?, 0, ?, 0, 0, ?, 0, 0, ?, 0)`,
  progress: 'update source set staged_through = ?, staged_head = ?, last_stamp = ? where id = ?',
  suspects: `select seq || ' ' || leaf as key from quarantined_event
             where state = 'waiting' and counted = 0 and source_id = ?`,
  stagedBody: 'select body from staged_event where source_id = ? and seq = ?',
  room: 'select id from staged_room where uri = ?',
  addRoom: 'insert into staged_room (uri) values (?) on conflict do nothing',
  addEvent: `insert into staged_event (source_id, seq, at, room_id, room_seq, kind, late_in, head, body, staged_at)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  quarantine: `insert into quarantined_event
                 (source_id, seq, leaf, at, head, body, reason, state, counted, fork_in, quarantined_at)
               values (?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?)
               on conflict do update set counted = max(counted, excluded.counted)`,
  isQuarantined: 'select 1 from quarantined_event where source_id = ? and seq = ? and leaf = ?',
  isCounted: 'select 1 from quarantined_event where source_id = ? and seq = ? and counted = 1',
  fork: 'update source set fork_seq = ?, fork_in = ? where id = ?',
  parked: 'select seq, at, head, body from parked_event where source_id = ? and seq > ? order by seq limit ?',
  isParked: 'select 1 from parked_event where source_id = ? and seq = ?',
  park: 'insert into parked_event (source_id, seq, at, head, body) values (?, ?, ?, ?, ?) on conflict do nothing',
  unpark: 'delete from parked_event where source_id = ? and seq between ? and ?',
  stays: `select room_id as "roomId", session, joined_room_seq as "joinedRoomSeq", joined_at as "joinedAt",
            joined_late_in as "joinedLateIn", principal, room_name as "roomName", parted_room_seq as "partedRoomSeq",
            parted_at as "partedAt", parted_late_in as "partedLateIn"
          from participation where room_id = ? and session = ? and parted_room_seq > ?`,
  early: `select room_id as "roomId", session, room_seq as "roomSeq", at, late_in as "lateIn"
          from early_part where room_id = ? and session = ?`,
  addStay: `insert into participation (room_id, session, joined_room_seq, joined_at, joined_late_in, principal,
              room_name, parted_room_seq, parted_at, parted_late_in)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
  endStay: `update participation set parted_room_seq = ?, parted_at = ?, parted_late_in = ?
            where room_id = ? and session = ? and joined_room_seq = ?`,
  dropEarly: 'delete from early_part where room_id = ? and session = ? and room_seq = ?',
  addEarly: `insert into early_part (room_id, session, room_seq, at, late_in) values (?, ?, ?, ?, ?)
             on conflict do nothing`,
} as const
