import { withPostgres } from '@hansard/sql'
import type { PoolClient } from 'pg'
import { admissionShared } from './admission.ts'
import type { Fact } from './facts.ts'
import {
  type After,
  entersOrLooks,
  numberFacts,
  participantKey,
  postKey,
  type RoomCounters,
  type SourceCounters,
} from './number-facts.ts'
import { nearestFirst } from './policies.ts'
import { type Commit, type CommitOptions, SourceMoved } from './record-writer.ts'

/**
 * One batch, one transaction, four round trips, and three more when somebody comes in or looks. Rooms are locked in the order of their ids, so two channel services
 * that post to the same rooms wait for each other and never deadlock.
 */
export const commitPostgres: Commit = (db, source, facts, now, options) =>
  withPostgres(db, async (client) => {
    await client.query('begin')
    try {
      const before = await readBefore(client, facts, options)
      const after = numberFacts(facts, before, source, now)
      await write(client, source, after)
      await client.query('commit')
      return after
    } catch (error) {
      await client.query('rollback').catch(() => {})
      throw error
    }
  })

async function readBefore(client: PoolClient, facts: readonly Fact[], { findRepeats, place }: CommitOptions) {
  const rooms = new Map<number, RoomCounters>()
  const posts = new Map<string, { chatId: number; at: number }>()
  const participants = new Set<string>()
  const barred = new Set<number>()
  if (facts.length === 0) return { rooms, posts, participants, barred }

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
    const found = await client.query<{
      room_id: number
      principal_id: number
      post: string
      chat_id: number
      posted_at: number
    }>({
      name: 'find-posts',
      text: `select room_id, principal_id, post, chat_id, posted_at from chat
             where (principal_id, room_id, post) in (select * from unnest($1::int[], $2::int[], $3::text[]))`,
      values: [repeatable.map((f) => f.principal.id), repeatable.map((f) => f.roomId), repeatable.map((f) => f.post)],
    })
    for (const row of found.rows) {
      posts.set(postKey(row.room_id, row.principal_id, row.post), { chatId: row.chat_id, at: row.posted_at })
    }
  }

  const comings = facts.filter((fact) => fact.kind === 'join' || fact.kind === 'part')
  if (comings.length > 0) {
    const found = await client.query<{ room_id: number; session: string }>({
      name: 'find-participants',
      text: `select room_id, session from participant
             where (room_id, session) in (select * from unnest($1::int[], $2::text[]))`,
      values: [comings.map((f) => f.roomId), comings.map((f) => f.session)],
    })
    for (const row of found.rows) participants.add(participantKey(row.room_id, row.session))
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
  return { rooms, posts, participants, barred }
}

async function write(
  client: PoolClient,
  source: SourceCounters & { name: string; epoch: number },
  after: After,
): Promise<void> {
  if (after.parts.length > 0) {
    // On its own: a statement may not delete and insert the same key.
    await client.query({
      name: 'drop-participants',
      text: 'delete from participant where (room_id, session) in (select * from unnest($1::int[], $2::text[]))',
      values: [after.parts.map((p) => p.roomId), after.parts.map((p) => p.session)],
    })
  }
  if (after.joins.length > 0) {
    await client.query({
      name: 'add-participants',
      text: `insert into participant (room_id, session, principal_id, joined_at, source, epoch)
             select *, $5::text, $6::int from unnest($1::int[], $2::text[], $3::int[], $4::int8[])`,
      values: [
        after.joins.map((j) => j.roomId),
        after.joins.map((j) => j.session),
        after.joins.map((j) => j.principalId),
        after.joins.map((j) => j.at),
        source.name,
        source.epoch,
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
             insert into chat (room_id, chat_id, posted_at, principal_id, post, content, alert, title, unlogged)
             select * from unnest($9::int[], $10::int8[], $11::int8[], $12::int[], $13::text[], $14::text[],
                                  $20::bool[], $21::text[], $22::bool[])
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
    ],
  })
  if (written.rows[0]?.alive !== 1) throw new SourceMoved(source)
}
