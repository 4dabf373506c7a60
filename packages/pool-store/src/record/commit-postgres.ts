import type { Clock } from '@hansard/clock'
import { sendTogether, withPostgres } from '@hansard/sql'
import type { PoolClient } from 'pg'
import { admissionShared } from '../access/admission.ts'
import { nearestFirst, type PolicyPlace } from '../access/policies.ts'
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
import { type RememberedRooms, rememberRooms } from './remembered-rooms.ts'
import type { Source } from './sources.ts'

/**
 * Commits batches to PostgreSQL. Rooms are locked by ascending id and the source after them, so two channel services
 * that post to the same rooms wait for each other and never deadlock.
 *
 * Chats in rooms whose counters this writer remembers take one statement, which is its own transaction: it locks the
 * rooms, compares them with the counters the chats were numbered by, and writes only if none has changed. Everything
 * else, and a wrong guess, takes a transaction of four round trips, and one more when it contains joins or reads.
 */
export function createCommitPostgres(clock: Pick<Clock, 'uptime'>): Commit {
  const remembered = rememberRooms(clock)
  return (db, source, facts, now, options) =>
    withPostgres(db, async (client) => {
      try {
        const guess = options.findRepeats ? undefined : remembered.guess(facts)
        if (guess) {
          const after = numberFacts(facts, { ...NOTHING_READ, rooms: guess }, source, now)
          if (await writeGuessed(client, source, guess, after)) {
            remembered.learn(NO_ROOMS, after.rooms)
            return after
          }
          remembered.missed(guess.keys())
        }
        return await commitUnderLock(client, source, facts, { now, ...options, remembered })
      } catch (error) {
        remembered.forget()
        throw error
      }
    })
}

async function commitUnderLock(
  client: PoolClient,
  source: SourceCounters & Pick<Source, 'name' | 'epoch' | 'incarnation'>,
  facts: readonly Fact[],
  { remembered, ...options }: CommitOptions & { now: number; remembered: RememberedRooms },
): Promise<After> {
  try {
    // Statements that do not need each other's results are pipelined; the server executes them in order.
    const [, before] = await sendTogether(client, () => [client.query('begin'), readBefore(client, facts, options)])
    const after = numberFacts(facts, before, source, options.now)
    await sendTogether(client, () => write(client, source, after))
    await client.query('commit')
    remembered.learn(before.rooms, after.rooms)
    return after
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

async function readBefore(
  client: PoolClient,
  facts: readonly Fact[],
  { now, findRepeats, place }: CommitOptions & { now: number },
): Promise<Before> {
  if (facts.length === 0) return { ...NOTHING_READ, rooms: NO_ROOMS }
  const entering = facts.filter(entersOrLooks)
  const repeatable = facts.filter((fact) => fact.kind === 'chat' && (fact.again || findRepeats)) as ChatFact[]
  const comings = facts.filter((fact) => fact.kind === 'join' || fact.kind === 'part')
  const returning = facts.filter(comesBack)
  const [, rooms, posts, participants, barred, stays] = await sendTogether(client, () => [
    entering.length > 0 ? admissionShared(client) : undefined,
    lockRooms(client, facts),
    repeatable.length > 0 ? findPosts(client, repeatable) : NOTHING_READ.posts,
    comings.length > 0 ? findParticipants(client, comings) : NOTHING_READ.participants,
    entering.length > 0 ? findBarred(client, entering, place) : NOTHING_READ.barred,
    returning.length > 0 ? readStays(client, returning, now) : NO_STAYS,
  ])
  return { rooms, posts, participants, barred, stays }
}

type ChatFact = Extract<Fact, { kind: 'chat' }>
type Coming = Extract<Fact, { kind: 'join' | 'part' }>

async function lockRooms(client: PoolClient, facts: readonly Fact[]): Promise<Before['rooms']> {
  const { rows } = await client.query<RoomCounters>({
    name: 'lock-rooms',
    text: `select id, uri, coalesce(shown_name, name) as "name", last_chat_id as "lastChatId",
                  last_room_seq as "lastRoomSeq", rights
           from room where id = any($1::int[]) order by id for update`,
    values: [[...new Set(facts.map((fact) => fact.roomId))]],
  })
  return new Map(rows.map((room) => [room.id, room]))
}

async function findPosts(client: PoolClient, facts: readonly ChatFact[]): Promise<Before['posts']> {
  const { rows } = await client.query<RecordedPost & { room_id: number; principal_id: number; post: string }>({
    name: 'find-posts',
    text: `select room_id, principal_id, post, chat_id as "chatId", posted_at as "at", post_digest as digest,
                  content, title, alert, state from chat
           where (principal_id, room_id, post) in (select * from unnest($1::int[], $2::int[], $3::text[]))`,
    values: [facts.map((f) => f.principal.id), facts.map((f) => f.roomId), facts.map((f) => f.post)],
  })
  return new Map(rows.map((row) => [postKey(row.room_id, row.principal_id, row.post), row]))
}

async function findParticipants(client: PoolClient, facts: readonly Coming[]): Promise<Before['participants']> {
  const { rows } = await client.query<{ room_id: number; session: string; since: number | null }>({
    name: 'find-participants',
    text: `select room_id, session, since from participant
           where (room_id, session) in (select * from unnest($1::int[], $2::text[]))`,
    values: [facts.map((f) => f.roomId), facts.map((f) => f.session)],
  })
  return new Map(rows.map((row) => [participantKey(row.room_id, row.session), row.since]))
}

async function findBarred(client: PoolClient, facts: readonly Fact[], place: PolicyPlace): Promise<Before['barred']> {
  const { rows } = await client.query<{ id: number }>({
    name: 'find-barred',
    text: `select principal.id from principal left join policy on policy.id = principal.policy_id
           where principal.id = any($1::int[]) and (principal.disabled or not coalesce(policy.enabled,
             (select nearest.enabled from policy as nearest where nearest.identity = any($2::text[])
              order by array_position($2::text[], nearest.identity::text) limit 1), true))`,
    values: [[...new Set(facts.map((fact) => fact.principal.id))], nearestFirst(place)],
  })
  return new Set(rows.map((row) => row.id))
}

const NO_STAYS: Before['stays'] = { stays: [], held: new Map() }
const NO_ROOMS: Before['rooms'] = new Map()
/** The reads for facts that are chats and no repeats. */
const NOTHING_READ = { posts: new Map(), participants: new Map(), barred: new Set<number>(), stays: NO_STAYS } as const

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

/** Sends all statements; returns the promises of their results. */
function write(
  client: PoolClient,
  source: SourceCounters & Pick<Source, 'name' | 'epoch' | 'incarnation'>,
  after: After,
): Promise<unknown>[] {
  const sent: Promise<unknown>[] = []
  if (after.parts.length > 0) {
    // A separate statement: one statement may not delete and insert the same key.
    sent.push(
      client.query({
        name: 'drop-participants',
        text: 'delete from participant where (room_id, session) in (select * from unnest($1::int[], $2::text[]))',
        values: [after.parts.map((p) => p.roomId), after.parts.map((p) => p.session)],
      }),
    )
  }
  if (after.joins.length > 0) {
    sent.push(
      client.query({
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
      }),
    )
  }
  const { departed, returned } = after.stays
  if (departed.length > 0 || returned.length > 0) {
    sent.push(
      client.query({
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
      }),
    )
  }
  sent.push(writeBatch(client, source, after))
  return sent
}

async function writeBatch(
  client: PoolClient,
  source: SourceCounters & Pick<Source, 'name' | 'epoch' | 'incarnation'>,
  after: After,
): Promise<void> {
  const { rows } = await client.query<{ alive: number }>({
    name: 'write-batch',
    text: `with alive as (${WRITE_SOURCE} returning 1),
             counted as (${WRITE_ROOMS}), said as (${WRITE_CHATS}), put as (${WRITE_OUTBOX})
           select count(*)::int as alive from alive`,
    values: valuesOf(source, after),
  })
  if (rows[0]?.alive !== 1) throw new SourceMoved(source)
}

/**
 * Writes facts numbered by a guess, in a transaction of this one statement. False when a room differs from the guess:
 * nothing was written then. The source's row is not touched before all rooms are locked and compared, because its
 * condition needs the result.
 */
async function writeGuessed(
  client: PoolClient,
  source: SourceCounters & Pick<Source, 'name' | 'epoch' | 'incarnation'>,
  guess: ReadonlyMap<number, RoomCounters>,
  after: After,
): Promise<boolean> {
  const rooms = [...guess.values()]
  const { rows } = await client.query<{ alive: number; fits: boolean }>({
    name: 'write-guessed',
    text: `with locked as materialized (
             select id, rights, coalesce(shown_name, name) as name, last_chat_id, last_room_seq
             from room where id = any($26::int[]) order by id for update
           ), fit as materialized (
             select count(*) = cardinality($26::int[]) as fits
             from locked join unnest($26::int[], $27::int8[], $28::text[], $29::int8[], $30::int8[])
               as guess(id, rights, name, chat, seq)
               on (guess.id, guess.rights, guess.name, guess.chat, guess.seq)
                = (locked.id, locked.rights, locked.name, locked.last_chat_id, locked.last_room_seq)
           ), alive as (
             ${WRITE_SOURCE} and (select fits from fit) returning 1
           ), counted as (${WRITE_ROOMS} and exists (select from alive)),
           said as (${WRITE_CHATS} where exists (select from alive)),
           put as (${WRITE_OUTBOX} where exists (select from alive))
           select (select count(*)::int from alive) as alive, (select fits from fit) as fits`,
    values: [
      ...valuesOf(source, after),
      rooms.map((room) => room.id),
      rooms.map((room) => room.rights),
      rooms.map((room) => room.name),
      rooms.map((room) => room.lastChatId),
      rooms.map((room) => room.lastRoomSeq),
    ],
  })
  if (rows[0]?.fits !== true) return false
  if (rows[0].alive !== 1) throw new SourceMoved(source)
  return true
}

const WRITE_SOURCE = `update source set last_seq = $1, head = $2, last_stamp = $3, reported_at = $3
  where name = $4 and epoch = $5 and incarnation = $24 and state = 'alive' and last_seq = $19 and head = $25`
const WRITE_ROOMS = `update room set last_chat_id = n.chat, last_room_seq = n.seq
  from unnest($6::int[], $7::int8[], $8::int8[]) as n(id, chat, seq) where room.id = n.id`
const WRITE_CHATS = `insert into chat (room_id, chat_id, posted_at, principal_id, post, content, alert, title, unlogged,
    post_digest)
  select * from unnest($9::int[], $10::int8[], $11::int8[], $12::int[], $13::text[], $14::text[], $20::bool[], $21::text[],
    $22::bool[], $23::text[])`
const WRITE_OUTBOX = `insert into outbox (seq, at, body, head, source, epoch)
  select *, $4::text, $5::int from unnest($15::int8[], $16::int8[], $17::text[], $18::text[])`

function valuesOf(source: SourceCounters & Pick<Source, 'name' | 'epoch' | 'incarnation'>, after: After): unknown[] {
  return [
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
    source.incarnation,
    source.head,
  ]
}
