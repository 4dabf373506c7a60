import { type EnvelopeEvent, genesisHead } from '@hansard/compliance-event'
import { type Database, sendTogether, settled, withPostgres } from '@hansard/sql'
import type { PoolClient } from 'pg'
import { writePresence } from './presence-postgres.ts'
import { CLOSING_LOCK, PARKED_PAGE, type Stage } from './stage-rules.ts'
import {
  type ClosedThrough,
  forkedAmong,
  type KnownTexts,
  type QuarantineRow,
  type StagedRow,
  unheldAmong,
  type WalkedSource,
  walk,
} from './walk.ts'

/**
 * The danger: after a failover a room's row may be missing, and its id may be another room's. So ids are remembered
 * for one connection, and all are forgotten when staging fails: a connection pooler hides a failover from connections.
 */
const roomIdsOf = new WeakMap<Database, WeakMap<PoolClient, Map<string, number>>>()

/** One transaction, in most cases two round trips, for any number of events. */
export const stagePostgres: Stage = (db, identity, arrived, now) =>
  withPostgres(db, async (client) => {
    const sent: Promise<unknown>[] = []
    try {
      const known = roomsOf(db, client)
      const newRooms = new Map<string, number>()
      const [, , read] = await sendTogether(client, () => [
        client.query('begin'),
        client.query({ name: 'share', text: `select pg_advisory_xact_lock_shared(${CLOSING_LOCK})` }),
        readProgress(client, identity, arrived),
      ])
      const result = await stage(client, read, arrived, now, { rooms: { known, added: newRooms }, sent })
      for (const [uri, id] of newRooms) known.set(uri, id)
      return result
    } catch (error) {
      roomIdsOf.delete(db)
      await client.query('rollback').catch(() => {})
      // A statement that was sent earlier, and not awaited, may be what failed first.
      await settled([...sent, Promise.reject(error)])
      throw error
    }
  })

type Rooms = { readonly known: ReadonlyMap<string, number>; readonly added: Map<string, number> }

async function stage(
  client: PoolClient,
  { progress, closed }: Read,
  arrived: readonly EnvelopeEvent[] | 'parked',
  now: number,
  { rooms, sent }: { rooms: Rooms; sent: Promise<unknown>[] },
) {
  const events = arrived === 'parked' ? await readParked(client, progress) : arrived
  const again = events.filter((event) => event.seq <= progress.stagedThrough)
  const known = again.length > 0 ? await knownTexts(client, progress, again) : undefined
  const forks = known ? forkedAmong(again, known, closed) : []
  const forked = progress.forked || forks.length > 0
  const walked = walk({ ...progress, forked }, again.length === 0 ? events : events.slice(again.length), closed)

  if (forked && !progress.forked) await noteFork(client, progress, forks[0]!)
  await quarantine(client, progress.id, forks, now)
  const send = (statement: Promise<unknown>) => {
    // Its failure is handled with the others' at the end; an earlier await may fail first.
    statement.catch(() => {})
    sent.push(statement)
  }
  if (walked.staged.length > 0) {
    const roomIds = await roomIdsFor(client, walked.staged, rooms)
    send(addEvents(client, progress.id, walked.staged, roomIds, now))
    // Awaited: it reads before it writes, and the final statement must be sent after its writes.
    await writePresence(client, walked.staged, roomIds)
  }
  await quarantine(client, progress.id, walked.quarantined, now)
  for (const { seq } of walked.quarantined.filter((row) => !row.counted)) {
    // A suspect is not read from the parked events: its second delivery must come from the pool.
    await client.query('delete from parked_event where source_id = $1 and seq = $2', [progress.id, seq])
  }
  if (arrived !== 'parked' && walked.beyond.length > 0) send(park(client, progress.id, walked.beyond))
  if (walked.stagedThrough > progress.stagedThrough) send(saveProgress(client, progress, walked))
  const [more] = await sendTogether(client, () => [
    isParked(client, progress.id, walked.stagedThrough + 1),
    ...sent,
    client.query('commit'),
  ])
  return {
    staged: walked.staged.length,
    quarantined: forks.length + walked.quarantined.length,
    parked: arrived === 'parked' ? 0 : walked.beyond.length,
    again: again.length,
    unheld: known ? unheldAmong(again, known) : [],
    more,
  }
}

type Read = { readonly progress: WalkedSource; readonly closed: ClosedThrough }

async function readProgress(
  client: PoolClient,
  { source, epoch, incarnation = '' }: { source: string; epoch: number; incarnation?: string | undefined },
  arrived: readonly EnvelopeEvent[] | 'parked',
): Promise<Read> {
  const read = () =>
    client.query<SourceRow & { closedEnd: number; closedNumber: number; suspectKeys: string[] | null }>({
      name: 'read-progress',
      text: `select s.id, s.name as source, s.epoch, s.incarnation, s.staged_through as "stagedThrough", s.staged_head as head,
               s.last_stamp as "lastStamp", s.cut_seq as "cutSeq", s.fork_seq as "forkSeq",
               coalesce((select ends_at from closed_interval order by number desc limit 1), 0) as "closedEnd",
               coalesce((select number from closed_interval order by number desc limit 1), 0) as "closedNumber",
               (select array_agg(q.seq || ' ' || q.leaf) from quarantined_event q
                where q.state = 'waiting' and q.counted = 0 and q.source_id = s.id) as "suspectKeys"
             from source s where s.name = $1 and s.epoch = $2 and s.incarnation = $3 for update of s`,
      values: [source, epoch, incarnation],
    })
  let row = (await read()).rows[0]
  if (!row) {
    const genesis = genesisHead(source, epoch, incarnation)
    await client.query({
      name: 'add-source',
      text: `insert into source (name, epoch, incarnation, state, started_at, last_seq, head, reported_at, staged_through,
               staged_head, last_stamp, cut_seq, cut_head, finished)
             values ($1, $2, $5, 'alive', $3, 0, $4, 0, 0, $4, 0, 0, $4, 0) on conflict do nothing`,
      values: [source, epoch, arrived === 'parked' ? 0 : (arrived[0]?.at ?? 0), genesis, incarnation],
    })
    row = (await read()).rows[0]!
  }
  const { closedEnd, closedNumber, suspectKeys, forkSeq, ...progress } = row
  return {
    progress: { ...progress, suspects: new Set(suspectKeys ?? []), forked: forkSeq > 0 },
    closed: { endsAt: closedEnd, number: closedNumber },
  }
}

type SourceRow = Omit<WalkedSource, 'suspects' | 'forked'> & { forkSeq: number }

async function readParked(client: PoolClient, progress: WalkedSource): Promise<EnvelopeEvent[]> {
  const { rows } = await client.query<EnvelopeEvent>({
    name: 'read-parked',
    text: 'select seq, at, head, body from parked_event where source_id = $1 and seq > $2 order by seq limit $3',
    values: [progress.id, progress.stagedThrough, PARKED_PAGE],
  })
  return rows.map((row) => ({ ...row, body: JSON.parse(row.body) as string }))
}

async function knownTexts(
  client: PoolClient,
  progress: WalkedSource,
  again: readonly EnvelopeEvent[],
): Promise<KnownTexts> {
  const { rows } = await client.query<{ seq: number; body: string }>({
    name: 'staged-bodies',
    text: 'select seq, body from staged_event where source_id = $1 and seq = any($2::int8[])',
    values: [progress.id, again.map((event) => event.seq)],
  })
  const bodies = new Map(rows.map((row) => [row.seq, row.body]))
  const other = again.filter((event) => bodies.get(event.seq) !== event.body)
  const quarantined = new Set<string>()
  const counted = new Set<number>()
  if (other.length > 0) {
    const { rows: kept } = await client.query<{ seq: number; leaf: string; counted: number }>(
      'select seq, leaf, counted from quarantined_event where source_id = $1 and seq = any($2::int8[])',
      [progress.id, other.map((event) => event.seq)],
    )
    for (const { seq, leaf, counted: counts } of kept) {
      quarantined.add(`${seq} ${leaf}`)
      if (counts === 1) counted.add(seq)
    }
  }
  return {
    stagedBody: (seq) => bodies.get(seq),
    isQuarantined: (seq, leaf) => quarantined.has(`${seq} ${leaf}`),
    isCounted: (seq) => counted.has(seq),
  }
}

async function noteFork(client: PoolClient, { id }: WalkedSource, { seq, forkIn }: QuarantineRow): Promise<void> {
  await client.query('update source set fork_seq = $2, fork_in = $3 where id = $1', [id, seq, forkIn])
}

async function roomIdsFor(client: PoolClient, staged: readonly StagedRow[], { known, added }: Rooms) {
  const roomIds = new Map<string, number>()
  const unknown = new Set<string>()
  for (const { event } of staged) {
    const id = known.get(event.room.uri)
    if (id === undefined) unknown.add(event.room.uri)
    else roomIds.set(event.room.uri, id)
  }
  if (unknown.size > 0) {
    // Sorted, so that two transactions that insert new rooms wait for each other and never deadlock.
    const uris = [...unknown].sort()
    await client.query('insert into staged_room (uri) select unnest($1::text[]) on conflict do nothing', [uris])
    const { rows } = await client.query<{ id: number; uri: string }>(
      'select id, uri from staged_room where uri = any($1::text[])',
      [uris],
    )
    for (const { id, uri } of rows) {
      roomIds.set(uri, id)
      added.set(uri, id)
    }
  }
  return roomIds
}

async function addEvents(
  client: PoolClient,
  sourceId: number,
  staged: readonly StagedRow[],
  roomIds: ReadonlyMap<string, number>,
  now: number,
) {
  await client.query({
    name: 'add-events',
    text: `insert into staged_event (source_id, staged_at, seq, at, room_id, room_seq, kind, late_in, head, body)
           select $1, $2, * from unnest($3::int8[], $4::int8[], $5::int[], $6::int8[], $7::text[], $8::int8[],
             $9::text[], $10::text[])`,
    values: [
      sourceId,
      now,
      staged.map(({ event }) => event.seq),
      staged.map(({ event }) => event.at),
      staged.map(({ event }) => roomIds.get(event.room.uri)),
      staged.map(({ event }) => event.room.seq),
      staged.map(({ event }) => event.kind),
      staged.map((row) => row.lateIn),
      staged.map((row) => row.head),
      staged.map((row) => row.body),
    ],
  })
}

async function quarantine(client: PoolClient, sourceId: number, rows: readonly QuarantineRow[], now: number) {
  for (const { seq, leaf, at, head, body, reason, counted, forkIn } of rows) {
    await client.query({
      name: 'quarantine',
      text: `insert into quarantined_event as q
               (source_id, seq, leaf, at, head, body, reason, state, counted, quarantined_at, fork_in)
             values ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $9, $10)
             on conflict (source_id, seq, leaf) do update set counted = greatest(q.counted, excluded.counted)`,
      values: [sourceId, seq, leaf, at, head, JSON.stringify(body), reason, counted ? 1 : 0, now, forkIn],
    })
  }
}

async function park(client: PoolClient, sourceId: number, beyond: readonly EnvelopeEvent[]) {
  await client.query({
    name: 'park',
    text: `insert into parked_event (source_id, seq, at, head, body)
           select $1, * from unnest($2::int8[], $3::int8[], $4::text[], $5::text[]) on conflict do nothing`,
    values: [
      sourceId,
      beyond.map((event) => event.seq),
      beyond.map((event) => event.at),
      beyond.map((event) => event.head),
      beyond.map((event) => JSON.stringify(event.body)),
    ],
  })
}

function saveProgress(
  client: PoolClient,
  before: WalkedSource,
  after: { stagedThrough: number; head: string; lastStamp: number },
): Promise<unknown> {
  return client.query({
    name: 'save-progress',
    text: `with unparked as (delete from parked_event where source_id = $1 and seq between $5 and $2)
           update source set staged_through = $2, staged_head = $3, last_stamp = $4 where id = $1`,
    values: [before.id, after.stagedThrough, after.head, after.lastStamp, before.stagedThrough + 1],
  })
}

async function isParked(client: PoolClient, sourceId: number, seq: number): Promise<boolean> {
  const { rows } = await client.query({
    name: 'is-parked',
    text: 'select 1 from parked_event where source_id = $1 and seq = $2',
    values: [sourceId, seq],
  })
  return rows.length > 0
}

function roomsOf(db: Database, client: PoolClient): Map<string, number> {
  const connections = roomIdsOf.get(db) ?? new WeakMap<PoolClient, Map<string, number>>()
  roomIdsOf.set(db, connections)
  const rooms = connections.get(client) ?? new Map<string, number>()
  connections.set(client, rooms)
  return rooms
}
