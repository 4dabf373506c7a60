import { newRoomUri, type RoomPrivacy } from '@hansard/rooms'
import type { Database } from '@hansard/sql'

export type Room = {
  readonly id: number
  readonly uri: string
  readonly name: string
  readonly privacy: RoomPrivacy
  readonly disabled: boolean
  readonly lastChatId: number
}

/** Creates the room if no room has that name; answers the room, and whether this call made it. */
export async function createRoom(
  db: Database,
  room: { name: string; privacy: RoomPrivacy; domain: string; now: number },
): Promise<{ room: Room; created: boolean }> {
  return db.knex.transaction(async (tx) => {
    const inserted: { id: number }[] = await tx('room')
      .insert({ uri: newRoomUri(room.domain), name: room.name, privacy: room.privacy, created_at: room.now })
      .onConflict('name')
      .ignore()
      .returning('id')
    const row: RoomRow = await tx('room').where({ name: room.name }).first()
    return { room: roomOf(row), created: inserted.length === 1 }
  })
}

/** Adds members; those the room has already stay. */
export async function addMembers(
  db: Database,
  { roomId, principalIds }: { roomId: number; principalIds: readonly number[] },
): Promise<void> {
  for (let from = 0; from < principalIds.length; from += 400) {
    const members = principalIds.slice(from, from + 400).map((id) => ({ room_id: roomId, principal_id: id }))
    await db.knex('room_member').insert(members).onConflict(['room_id', 'principal_id']).ignore()
  }
}

export async function findRoom(
  db: Database,
  by: { uri: string } | { id: number } | { name: string },
): Promise<Room | undefined> {
  const row: RoomRow | undefined = await db.knex('room').where(by).first()
  return row && roomOf(row)
}

export async function isMember(
  db: Database,
  { roomId, principalId }: { roomId: number; principalId: number },
): Promise<boolean> {
  return (
    (await db.knex('room_member').where({ room_id: roomId, principal_id: principalId }).first('room_id')) !== undefined
  )
}

/** Rooms in the order of their names, those after `after`; only those the principal may join when one is given. */
export async function listRooms(
  db: Database,
  { after = '', limit, joinableBy }: { after?: string | undefined; limit: number; joinableBy?: number },
): Promise<Room[]> {
  const query = db.knex('room').where('name', '>', after).orderBy('name').limit(limit)
  if (joinableBy !== undefined) {
    const memberships = db.knex('room_member').where({ principal_id: joinableBy }).select('room_id')
    query
      .andWhere({ disabled: false })
      .andWhere((either) => either.where({ privacy: 'open' }).orWhereIn('id', memberships))
  }
  const rows: RoomRow[] = await query
  return rows.map(roomOf)
}

/** The newest chat id of each room. */
export async function lastChatIds(db: Database, roomIds: readonly number[]): Promise<Map<number, number>> {
  const found = new Map<number, number>()
  for (let from = 0; from < roomIds.length; from += 5_000) {
    const rows: { id: number; last_chat_id: number }[] = await db
      .knex('room')
      .whereIn('id', roomIds.slice(from, from + 5_000))
      .select('id', 'last_chat_id')
    for (const row of rows) found.set(row.id, row.last_chat_id)
  }
  return found
}

/** Everybody in the room, on whatever server, once each. */
export async function rosterOf(db: Database, roomId: number): Promise<{ uri: string; name: string }[]> {
  return db
    .knex('principal')
    .whereIn('id', db.knex('participant').where({ room_id: roomId }).select('principal_id'))
    .orderBy('uri')
    .select('uri', 'display_name as name')
}

type RoomRow = {
  id: number
  uri: string
  name: string
  privacy: RoomPrivacy
  disabled: boolean | number
  last_chat_id: number
}

function roomOf(row: RoomRow): Room {
  return {
    id: row.id,
    uri: row.uri,
    name: row.name,
    privacy: row.privacy,
    disabled: Boolean(row.disabled),
    lastChatId: row.last_chat_id,
  }
}
