import { type Database, groupedStatement, groupedTransaction, type Knex, rowsOf } from '@hansard/sql'
import { applyWalls } from '../access/walls.ts'
import { asSeenBy, isText } from '../lists/readable-rooms.ts'
import { beginReadMark } from './read-marks.ts'

/** A room that a principal follows, with its read position. */
type FollowedRoom = {
  readonly id: number
  readonly uri: string
  readonly name: string
  /** the newest chat id */
  readonly last: number
  /** every chat up to this one is read */
  readonly read: number
  /** chats of others after that which can still be read; 1,000 means that many or more */
  readonly unread: number
}

export const FOLLOWED_ROOMS_MAX = 1_000

/** The caller has decided that the principal may join the room. Idempotent. */
export async function followRoom(
  db: Database,
  { principalId, roomId }: { principalId: number; roomId: number },
): Promise<'followed' | 'limit-exceeded'> {
  return groupedTransaction(db, async (tx) => {
    await lockPrincipal(db, tx, principalId)
    const known = await tx('followed_room').where({ principal_id: principalId, room_id: roomId }).first('room_id')
    if (known) return 'followed'
    // Deleted rooms, and rooms the principal may not join now, count too: a room may come back at any time.
    const row = await tx('followed_room').where({ principal_id: principalId }).count('* as rooms').first()
    if (Number(row?.['rooms']) >= FOLLOWED_ROOMS_MAX) return 'limit-exceeded'
    await tx('followed_room').insert({ principal_id: principalId, room_id: roomId })
    await beginReadMark(tx, { principalId, roomId })
    return 'followed'
  })
}

/** By URI, whatever the room's state: a principal may unfollow a room that they may not see any more. */
export async function unfollowRoom(
  db: Database,
  { principalId, roomUri }: { principalId: number; roomUri: string },
): Promise<void> {
  if (!isText(roomUri)) return
  await groupedStatement(db, (knex) =>
    knex('followed_room')
      .where({ principal_id: principalId })
      .whereIn('room_id', knex('room').where({ uri: roomUri }).select('id'))
      .delete(),
  )
}

/** The followed rooms that the principal may join now, by name. The others are omitted without a trace. */
export async function followedRooms(db: Database, principalId: number): Promise<FollowedRoom[]> {
  const rooms = await asSeenBy(db, principalId, async (identities): Promise<Omit<FollowedRoom, 'unread'>[]> => {
    const query = db
      .knex('room')
      .join('followed_room', (on) =>
        on.on('followed_room.room_id', 'room.id').andOnVal('followed_room.principal_id', principalId),
      )
      .leftJoin('read_mark', (on) =>
        on.on('read_mark.room_id', 'room.id').andOnVal('read_mark.principal_id', principalId),
      )
      .whereNull('room.deleted_at')
      .orderBy('room.name')
      .orderBy('room.uri')
    await applyWalls(db.knex, query, { identities, reach: 'joinable' })
    return query.select(
      'room.id',
      'room.uri',
      'room.name',
      'room.last_chat_id as last',
      db.knex.raw('coalesce(read_mark.chat_id, 0) as "read"'),
    )
  })
  const unread = await unreadIn(db, principalId, rooms)
  return rooms.map((room) => ({ ...room, unread: unread.get(room.id) ?? 0 }))
}

type Span = { readonly id: number; readonly last: number; readonly read: number }

async function unreadIn(db: Database, principalId: number, rooms: readonly Span[]): Promise<Map<number, number>> {
  const behind = rooms.filter((room) => room.last > room.read)
  const found = new Map<number, number>()
  for (let from = 0; from < behind.length; from += ROOMS_PER_STATEMENT) {
    const spans = behind.slice(from, from + ROOMS_PER_STATEMENT).map(({ id, last, read }) => ({
      id,
      last,
      // Own and purged chats are skipped, up to a bound.
      read: Math.max(read, last - LOOKED_AT_MAX),
    }))
    const [wanted, id, after, through, values] =
      db.dialect === 'sqlite'
        ? [
            'json_each(?) as wanted',
            ...[0, 1, 2].map((n) => `json_extract(wanted.value, '$[${n}]')`),
            [JSON.stringify(spans.map((span) => [span.id, span.read, span.last]))],
          ]
        : [
            'unnest(?::int[], ?::int8[], ?::int8[]) as wanted(room, after, through)',
            'wanted.room',
            'wanted.after',
            'wanted.through',
            [spans.map((span) => span.id), spans.map((span) => span.read), spans.map((span) => span.last)],
          ]
    const rows = await rowsOf<{ room: number; unread: number | string }>(
      db.knex,
      `select ${id} as room, (
         select count(*) from (
           select 1 from chat
           where chat.room_id = ${id} and chat.chat_id > ${after} and chat.chat_id <= ${through}
             and chat.principal_id <> ? and chat.state <> 'purged' and not chat.unlogged
           limit ${UNREAD_MAX}
         ) as counted
       ) as unread
       from ${wanted}`,
      [principalId, ...(values as unknown[])],
    )
    for (const row of rows) found.set(row.room, Number(row.unread))
  }
  return found
}

/** @internal Serialises count-then-insert per principal. SQLite has one writer anyway. */
export async function lockPrincipal(db: Database, tx: Knex.Transaction, principalId: number): Promise<void> {
  if (db.dialect === 'postgres') await tx('principal').where({ id: principalId }).forUpdate().first('id')
}

const UNREAD_MAX = 1_000
const LOOKED_AT_MAX = 10_000
/** SQLite runs one statement at a time: small steps keep the count of a thousand rooms from blocking others. */
const ROOMS_PER_STATEMENT = 50
