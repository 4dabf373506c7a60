import { withPostgres } from '@hansard/sql'
import type { PoolClient } from 'pg'
import { admissionShared } from '../access/admission.ts'
import { nearestFirst } from '../access/policies.ts'
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

/**
 * One batch, one transaction, four round trips, and three more when it contains joins or reads. Rooms are locked by
 * ascending id, so two channel services that post to the same rooms wait for each other and never deadlock.
 */
export const commitPostgres: Commit = (db, source, facts, now, options) =>
  withPostgres(db, async (client) => {
    await client.query('begin')
    try {
      const before = await readBefore(client, facts, { now, ...options })
      const after = numberFacts(facts, before, source, now)
      await write(client, source, after)
      await client.query('commit')
      return after
    } catch (error) {
      await client.query('rollback').catch(() => {})
      throw error
    }
  })

async function readBefore(
  client: PoolClient,
  facts: readonly Fact[],
  { now, findRepeats, place }: CommitOptions & { now: number },
): Promise<Before> {
  const rooms = new Map<number, RoomCounters>()
  const posts: Map<string, RecordedPost> = new Map()
  const participants = new Map<string, number | null>()
  const barred = new Set<number>()
  if (facts.length === 0) return { rooms, posts, participants, barred, stays: NO_STAYS }

  const entering = facts.filter(entersOrLooks)
  if (entering.length > 0) await admissionShared(client)

  const locked = await client.query<RoomCounters>({
    name: 'lock-rooms',
    text: `select id, uri, coalesce(shown_name, name) as "name", last_chat_id as "lastChatId",
                  last_room_seq as "lastRoomSeq", rights
           from room where id = any($1::int[]) order by id for update`,
    values: [[...new Set(facts.map((fact) => fact.roomId))]],
  })
  for (const room of locked.rows) rooms.set(room.id, room)

  const repeatable = facts.filter((fact) => fact.kind === 'chat' && (fact.again || findRepeats)) as Extract<
    Fact,
    { kind: 'chat' }
  >[]
  if (repeatable.length > 0) {
    const found = await client.query<RecordedPost & { room_id: number; principal_id: number; post: string }>({
      name: 'find-posts',
      text: `select room_id, principal_id, post, chat_id as "chatId", posted_at as "at", post_digest as digest,
                    content, title, alert, state from chat
             where (principal_id, room_id, post) in (select * from unnest($1::int[], $2::int[], $3::text[]))`,
      values: [repeatable.map((f) => f.principal.id), repeatable.map((f) => f.roomId), repeatable.map((f) => f.post)],
    })
    for (const row of found.rows) posts.set(postKey(row.room_id, row.principal_id, row.post), row)
  }

  const comings = facts.filter((fact) => fact.kind === 'join' || fact.kind === 'part')
  if (comings.length > 0) {
    const found = await client.query<{ room_id: number; session: string; since: number | null }>({
      name: 'find-participants',
      text: `select room_id, session, since from participant
             where (room_id, session) in (select * from unnest($1::int[], $2::text[]))`,
      values: [comings.map((f) => f.roomId), comings.map((f) => f.session)],
    })
    for (const row of found.rows) participants.set(participantKey(row.room_id, row.session), row.since)
  }

  if (entering.length > 0) {
    const found = await client.query<{ id: number }>({
      name: 'find-barred',
      text: `select principal.id from principal left join policy on policy.id = principal.policy_id
             where principal.id = any($1::int[]) and (principal.disabled or not coalesce(policy.enabled,
               (select nearest.enabled from policy as nearest where nearest.identity = any($2::text[])
                order by array_position($2::text[], nearest.identity::text) limit 1), true))`,
      values: [[...new Set(entering.map((fact) => fact.principal.id))], nearestFirst(place)],
    })
    for (const row of found.rows) barred.add(row.id)
  }
  const returning = facts.filter(comesBack)
  const stays = returning.length > 0 ? await readStays(client, returning, now) : NO_STAYS
  return { rooms, posts, participants, barred, stays }
}

const NO_STAYS: Before['stays'] = { stays: [], held: new Map() }

async function readStays(
  client: PoolClient,
  facts: readonly Extract<Fact, { kind: 'join' }>[],
  now: number,
): Promise<Before['stays']> {
  const found = await client.query<Stay & { held: number | null }>({
    name: 'find-stays',
    text: `select stay.*, (select min(chat_id) from chat
                           where chat.room_id = who.room and unlogged and state <> 'purged') as held
           from unnest($1::int[], $2::int[]) as who(room, person)
           cross join lateral (
             select room_id as "roomId", principal_id as "principalId", session, since, true as present
             from participant where room_id = who.room and principal_id = who.person and since is not null
             union all
             select * from (select room_id, principal_id, session, since, false from departure
                            where room_id = who.room and principal_id = who.person and departed_at > $3
                            order by departed_at desc limit ${STAYS_MAX}) as departed
           ) as stay`,
    values: [facts.map((f) => f.roomId), facts.map((f) => f.principal.id), now - UNLOGGED_HELD_MS],
  })
  const held = new Map<number, number>()
  for (const row of found.rows) if (row.held !== null) held.set(row.roomId, row.held)
  return { stays: found.rows, held }
}

async function write(
  client: PoolClient,
  source: SourceCounters & { name: string; epoch: number },
  after: After,
): Promise<void> {
  if (after.parts.length > 0) {
    // A separate statement: one statement may not delete and insert the same key.
    await client.query({
      name: 'drop-participants',
      text: 'delete from participant where (room_id, session) in (select * from unnest($1::int[], $2::text[]))',
      values: [after.parts.map((p) => p.roomId), after.parts.map((p) => p.session)],
    })
  }
  if (after.joins.length > 0) {
    await client.query({
      name: 'add-participants',
      text: `insert into participant (room_id, session, principal_id, joined_at, since, source, epoch)
             select *, $6::text, $7::int from unnest($1::int[], $2::text[], $3::int[], $4::int8[], $5::int8[])`,
      values: [
        after.joins.map((j) => j.roomId),
        after.joins.map((j) => j.session),
        after.joins.map((j) => j.principalId),
        after.joins.map((j) => j.at),
        after.joins.map((j) => j.since),
        source.name,
        source.epoch,
      ],
    })
  }
  const { departed, returned } = after.stays
  if (departed.length > 0 || returned.length > 0) {
    await client.query({
      name: 'note-departures',
      text: `with returned as (
               delete from departure where (room_id, principal_id, session) in
                 (select * from unnest($1::int[], $2::int[], $3::text[]))
             )
             insert into departure (room_id, principal_id, session, since, departed_at)
             select *, $8::int8 from unnest($4::int[], $5::int[], $6::text[], $7::int8[])
             on conflict (room_id, principal_id, session) do update
               set since = excluded.since, departed_at = excluded.departed_at`,
      values: [
        returned.map((s) => s.roomId),
        returned.map((s) => s.principalId),
        returned.map((s) => s.session),
        departed.map((s) => s.roomId),
        departed.map((s) => s.principalId),
        departed.map((s) => s.session),
        departed.map((s) => s.since),
        after.source.lastStamp,
      ],
    })
  }
  const written = await client.query<{ alive: number }>({
    name: 'write-batch',
    text: `with alive as (
             update source set last_seq = $1, head = $2, last_stamp = $3, reported_at = $3
             where name = $4 and epoch = $5 and state = 'alive' and last_seq = $19 returning 1
           ), counted as (
             update room set last_chat_id = n.chat, last_room_seq = n.seq
             from unnest($6::int[], $7::int8[], $8::int8[]) as n(id, chat, seq) where room.id = n.id
           ), said as (
             insert into chat (room_id, chat_id, posted_at, principal_id, post, content, alert, title, unlogged,
                               post_digest)
             select * from unnest($9::int[], $10::int8[], $11::int8[], $12::int[], $13::text[], $14::text[],
                                  $20::bool[], $21::text[], $22::bool[], $23::text[])
           ), put as (
             insert into outbox (seq, at, body, head, source, epoch)
             select *, $4::text, $5::int from unnest($15::int8[], $16::int8[], $17::text[], $18::text[])
           )
           select count(*)::int as alive from alive`,
    values: [
      after.source.lastSeq,
      after.source.head,
      after.source.lastStamp,
      source.name,
      source.epoch,
      after.rooms.map((r) => r.id),
      after.rooms.map((r) => r.lastChatId),
      after.rooms.map((r) => r.lastRoomSeq),
      after.chats.map((c) => c.roomId),
      after.chats.map((c) => c.chatId),
      after.chats.map((c) => c.at),
      after.chats.map((c) => c.principalId),
      after.chats.map((c) => c.post),
      after.chats.map((c) => c.content),
      after.outbox.map((e) => e.seq),
      after.outbox.map((e) => e.at),
      after.outbox.map((e) => e.body),
      after.outbox.map((e) => e.head),
      source.lastSeq,
      after.chats.map((c) => c.alert),
      after.chats.map((c) => c.title),
      after.chats.map((c) => c.unlogged),
      after.chats.map((c) => c.digest),
    ],
  })
  if (written.rows[0]?.alive !== 1) throw new SourceMoved(source)
}
