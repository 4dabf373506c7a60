import { type Database, groupedStatement, groupedTransaction, type Knex, rowsOf } from '@hansard/sql'
import { applyWalls } from '../access/walls.ts'
import { asSeenBy, isText } from '../lists/readable-rooms.ts'
import { beginReadMark } from './read-marks.ts'

/** A room somebody follows, as far as they have read it. */
type FollowedRoom = {
  readonly id: number
  readonly uri: string
  readonly name: string
  /** the newest chat id */
  readonly last: number
  /** everything up to this chat is read */
  readonly read: number
  /** chats of others after that, as far as they are there to be read: 1,000 stands for that many or more */
  readonly unread: number
}

export const FOLLOWED_ROOMS_MAX = 1_000

/** The caller has decided that the principal may come into the room. Following twice is following. */
export async function followRoom(
  db: Database,
  { principalId, roomId }: { principalId: number; roomId: number },
): Promise<'followed' | 'limit-exceeded'> {
  return groupedTransaction(db, async (tx) => {
    await lockPrincipal(db, tx, principalId)
    const known = await tx('followed_room').where({ principal_id: principalId, room_id: roomId }).first('room_id')
    if (known) return 'followed'
    // Rooms that are gone, or closed to them now, count too: a room comes back without anybody asking.
    const row = await tx('followed_room').where({ principal_id: principalId }).count('* as rooms').first()
    if (Number(row?.['rooms']) >= FOLLOWED_ROOMS_MAX) return 'limit-exceeded'
    await tx('followed_room').insert({ principal_id: principalId, room_id: roomId })
    await beginReadMark(tx, { principalId, roomId })
    return 'followed'
  })
}

/** By URI, whatever has become of the room: what somebody may not see any more they may still let go of. */
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

/** The followed rooms that somebody may come into now, by name. Of the others nothing is told, not that they are there. */
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
      // One's own and purged chats are read over: not without end.
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

/** @internal Serialises what is counted before it is added to, per principal. SQLite has one writer anyway. */
export async function lockPrincipal(db: Database, tx: Knex.Transaction, principalId: number): Promise<void> {
  if (db.dialect === 'postgres') await tx('principal').where({ id: principalId }).forUpdate().first('id')
}

const UNREAD_MAX = 1_000
const LOOKED_AT_MAX = 10_000
/** SQLite answers one statement at a time: nobody waits for a thousand rooms to be counted. */
const ROOMS_PER_STATEMENT = 50
