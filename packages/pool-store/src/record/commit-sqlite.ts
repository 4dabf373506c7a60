import { type SqliteHandle, withSqlite } from '@hansard/sql'
import type SqliteDatabase from 'better-sqlite3'
import { enabledByPlace, nearestFirst, type PolicyPlace, type SaidOfPlace } from '../access/policies.ts'
import type { Commit, CommitOptions } from './commit.ts'
import { STAYS_MAX, type Stay, UNLOGGED_HELD_MS } from './departures.ts'
import type { Fact } from './facts.ts'
import {
  type After,
  type Before,
  comesBack,
  entersOrLooks,
  numberFacts,
  participantKey,
  postKey,
  type RoomCounters,
  type SourceCounters,
} from './number-facts.ts'
import type { RecordedPost } from './post-digest.ts'
import { SourceMoved } from './record-errors.ts'
import type { Source } from './sources.ts'

type Statements = Record<
  | 'room'
  | 'post'
  | 'participant'
  | 'saidOfPlace'
  | 'barred'
  | 'stays'
  | 'held'
  | 'addChat'
  | 'addParticipant'
  | 'dropParticipant'
  | 'addDeparture'
  | 'dropDeparture'
  | 'addOutbox'
  | 'room_'
  | 'source_',
  SqliteDatabase.Statement
>
const prepared = new WeakMap<SqliteHandle, Statements>()

/** One batch, one transaction, one fsync. Synchronous from begin to commit: nothing else runs in between. */
export const commitSqlite: Commit = (db, source, facts, now, { findRepeats, place }) =>
  withSqlite(db, (handle) => {
    const sql = statementsOf(handle)
    handle.exec('BEGIN IMMEDIATE')
    try {
      const after = numberFacts(facts, readBefore(sql, facts, { now, findRepeats, place }), source, now)
      write(sql, source, after)
      handle.exec('COMMIT')
      return after
    } catch (error) {
      // A failed COMMIT (because of a full disk, for example) may have rolled back already; if not, roll back now.
      if (handle.inTransaction) handle.exec('ROLLBACK')
      throw error
    }
  })

function readBefore(
  sql: Statements,
  facts: readonly Fact[],
  { now, findRepeats, place }: CommitOptions & { now: number },
): Before {
  const rooms = new Map<number, RoomCounters>()
  const posts: Map<string, RecordedPost> = new Map()
  const participants = new Map<string, number | null>()
  const stays: Stay[] = []
  const held = new Map<number, number>()
  const barred = new Set<number>()
  let otherwise: number | undefined
  for (const fact of facts) {
    if (entersOrLooks(fact)) {
      otherwise ??= enabledOtherwise(sql, place)
      if (sql.barred.get(fact.principal.id, otherwise)) barred.add(fact.principal.id)
    }
    if (!rooms.has(fact.roomId)) {
      const row = sql.room.get(fact.roomId) as RoomCounters | undefined
      if (row) rooms.set(row.id, row)
    }
    if (fact.kind === 'chat' && (fact.again || findRepeats)) {
      const row = sql.post.get(fact.principal.id, fact.roomId, fact.post) as RecordedPost | undefined
      if (row) posts.set(postKey(fact.roomId, fact.principal.id, fact.post), row)
    } else if (fact.kind === 'join' || fact.kind === 'part') {
      const row = sql.participant.get(fact.roomId, fact.session) as { since: number | null } | undefined
      if (row) participants.set(participantKey(fact.roomId, fact.session), row.since)
    }
    if (comesBack(fact)) {
      const { roomId } = fact
      const who = { roomId, principalId: fact.principal.id }
      const rows = sql.stays.all({ ...who, departedSince: now - UNLOGGED_HELD_MS }) as {
        session: string
        since: number
        present: number
      }[]
      for (const row of rows) stays.push({ ...who, ...row, present: row.present === 1 })
      const oldest = rows.length > 0 ? (sql.held.get(roomId) as { chatId: number | null }).chatId : null
      if (oldest !== null) held.set(roomId, oldest)
    }
  }
  return { rooms, posts, participants, barred, stays: { stays, held } }
}

/** The decision for users without a policy of their own: 1 or 0. */
function enabledOtherwise(sql: Statements, place: PolicyPlace): number {
  const identities = nearestFirst(place)
  const rows = sql.saidOfPlace.all(JSON.stringify(identities)) as SaidOfPlace[]
  return enabledByPlace(identities, rows) ? 1 : 0
}

function write(
  sql: Statements,
  source: SourceCounters & Pick<Source, 'name' | 'epoch' | 'incarnation'>,
  after: After,
): void {
  const { lastSeq, lastStamp, head } = after.source
  const { name, epoch, incarnation } = source
  // biome-ignore format: in the order of the parameters
  const kept = sql.source_.run(lastSeq, head, lastStamp, lastStamp, name, epoch, incarnation, source.lastSeq, source.head)
  if (kept.changes !== 1) throw new SourceMoved(source)
  for (const room of after.rooms) sql.room_.run(room.lastChatId, room.lastRoomSeq, room.id)
  for (const part of after.parts) sql.dropParticipant.run(part.roomId, part.session)
  for (const join of after.joins) {
    const { roomId, session, principalId, at, since } = join
    sql.addParticipant.run(roomId, session, principalId, source.name, source.epoch, at, since)
  }
  const { returned, departed } = after.stays
  for (const stay of returned) sql.dropDeparture.run(stay.roomId, stay.principalId, stay.session)
  for (const { roomId, principalId, session, since } of departed)
    sql.addDeparture.run(roomId, principalId, session, since, lastStamp)
  for (const chat of after.chats) {
    const { roomId, chatId, at, principalId, post, content, alert, title, unlogged, digest } = chat
    sql.addChat.run(roomId, chatId, at, principalId, post, content, alert ? 1 : 0, title, unlogged ? 1 : 0, digest)
  }
  for (const event of after.outbox)
    sql.addOutbox.run(source.name, source.epoch, event.seq, event.at, event.body, event.head)
}

function statementsOf(handle: SqliteHandle): Statements {
  let sql = prepared.get(handle)
  if (!sql) {
    sql = {
      room: handle.prepare(
        `select id, uri, coalesce(shown_name, name) as "name", last_chat_id as "lastChatId", last_room_seq as "lastRoomSeq",
                rights from room where id = ?`,
      ),
      post: handle.prepare(
        `select chat_id as "chatId", posted_at as "at", post_digest as digest, content, title, alert, state
         from chat where principal_id = ? and room_id = ? and post = ?`,
      ),
      participant: handle.prepare('select since from participant where room_id = ? and session = ?'),
      saidOfPlace: handle.prepare(
        'select identity, enabled from policy where identity in (select value from json_each(?))',
      ),
      barred: handle.prepare(
        `select 1 from principal left join policy on policy.id = principal.policy_id
         where principal.id = ? and (principal.disabled or not coalesce(policy.enabled, ?))`,
      ),
      stays: handle.prepare(
        `select session, since, 1 as present from participant
         where room_id = :roomId and principal_id = :principalId and since is not null
         union all
         select * from (select session, since, 0 from departure
                        where room_id = :roomId and principal_id = :principalId and departed_at > :departedSince
                        order by departed_at desc limit ${STAYS_MAX})`,
      ),
      held: handle.prepare(
        `select min(chat_id) as "chatId" from chat where room_id = ? and unlogged and state <> 'purged'`,
      ),
      addChat: handle.prepare(
        `insert into chat (room_id, chat_id, posted_at, principal_id, post, content, alert, title, unlogged, post_digest)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      addParticipant: handle.prepare(
        `insert into participant (room_id, session, principal_id, source, epoch, joined_at, since)
         values (?, ?, ?, ?, ?, ?, ?)`,
      ),
      dropParticipant: handle.prepare('delete from participant where room_id = ? and session = ?'),
      addDeparture: handle.prepare(
        `insert into departure (room_id, principal_id, session, since, departed_at) values (?, ?, ?, ?, ?)
         on conflict do update set since = excluded.since, departed_at = excluded.departed_at`,
      ),
      dropDeparture: handle.prepare('delete from departure where room_id = ? and principal_id = ? and session = ?'),
      addOutbox: handle.prepare('insert into outbox (source, epoch, seq, at, body, head) values (?, ?, ?, ?, ?, ?)'),
      room_: handle.prepare('update room set last_chat_id = ?, last_room_seq = ? where id = ?'),
      source_: handle.prepare(
        `update source set last_seq = ?, head = ?, last_stamp = ?, reported_at = ?
         where name = ? and epoch = ? and incarnation = ? and state = 'alive' and last_seq = ? and head = ?`,
      ),
    }
    prepared.set(handle, sql)
  }
  return sql
}
