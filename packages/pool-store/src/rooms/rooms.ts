import type { RoomInvitations, RoomPrivacy, RoomType } from '@hansard/rooms'
import type { Database, Knex } from '@hansard/sql'

/** A room that is not deleted, in its current state. */
export type Room = {
  readonly id: number
  readonly uri: string
  readonly name: string
  readonly description: string
  readonly topic: string
  readonly categoryId: number
  readonly category: string
  readonly type: RoomType
  readonly privacy: RoomPrivacy
  readonly invitations: RoomInvitations
  readonly addIn: string | null
  readonly disabled: boolean
  readonly lastChatId: number
  /** the rights version */
  readonly rights: number
  readonly createdAt: number
}

/** A room, or undefined when it does not exist or is deleted. */
export async function findRoom(
  db: Database | Knex.Transaction,
  by: { uri: string } | { id: number },
): Promise<Room | undefined> {
  const [column, value] = Object.entries(by)[0]!
  // PostgreSQL cannot store U+0000, so no room's name contains it.
  if (typeof value === 'string' && value.includes('\0')) return undefined
  const row: RoomRow | undefined = await selectRooms('dialect' in db ? db.knex : db)
    .where(`room.${column}`, value)
    .first()
  return row && roomOf(row)
}

type Counters = { readonly lastChatId: number; readonly rights: number; readonly edits: number }

/** The newest chat id, rights version and newest edit of each room that is not deleted. */
export async function roomCounters(db: Database, roomIds: readonly number[]): Promise<Map<number, Counters>> {
  const found = new Map<number, Counters>()
  for (let from = 0; from < roomIds.length; from += BATCH) {
    const rows: { id: number; last_chat_id: number; rights: number; edits: number }[] = await db
      .knex('room')
      .whereIn('id', roomIds.slice(from, from + BATCH))
      .select('id', 'last_chat_id', 'rights', 'edits')
    for (const { id, last_chat_id: lastChatId, rights, edits } of rows) found.set(id, { lastChatId, rights, edits })
  }
  return found
}

/** Every principal in the room, on any server, once each, by URI. Read in steps: a room may have many thousands. */
export async function rosterOf(db: Database, roomId: number): Promise<{ uri: string; name: string }[]> {
  const found = new Map<string, string>()
  for (let after = ''; ; ) {
    const rows: { session: string; uri: string; name: string }[] = await db
      .knex('participant')
      .join('principal', 'principal.id', 'participant.principal_id')
      .where('participant.room_id', roomId)
      .andWhere('participant.session', '>', after)
      .orderBy('participant.session')
      .limit(ROSTER_STEP)
      .select('participant.session', 'principal.uri', 'principal.display_name as name')
    for (const { uri, name } of rows) found.set(uri, name)
    if (rows.length < ROSTER_STEP) break
    after = rows.at(-1)!.session
  }
  return [...found].map(([uri, name]) => ({ uri, name })).sort((a, b) => (a.uri < b.uri ? -1 : 1))
}

const ROSTER_STEP = 1_000
const BATCH = 1_000

/** @internal */
export type RoomRow = {
  id: number
  uri: string
  name: string
  description: string
  topic: string
  category_id: number
  category: string
  type: RoomType
  privacy: RoomPrivacy
  invitations: RoomInvitations
  add_in: string | null
  disabled: boolean | number
  last_chat_id: number
  rights: number
  created_at: number
}

/**
 * @internal The join with the category excludes the pool's own row, which has none. `byName` (SQLite): reads in the
 * order of names. The planner, which cannot know how few rooms are needed, would otherwise sort them all.
 */
export function selectRooms(knex: Knex | Knex.Transaction, { byName = false } = {}): Knex.QueryBuilder {
  return knex(byName ? knex.raw('room indexed by room_by_name') : 'room')
    .join('category', 'category.id', 'room.category_id')
    .leftJoin('add_in', 'add_in.id', 'room.add_in_id')
    .whereNull('room.deleted_at')
    .select(
      'room.id',
      'room.uri',
      'room.name',
      'room.description',
      'room.topic',
      'room.category_id',
      'category.name as category',
      'room.type',
      'room.privacy',
      'room.invitations',
      'add_in.name as add_in',
      'room.disabled',
      'room.last_chat_id',
      'room.rights',
      'room.created_at',
    )
}

/** @internal */
export function roomOf(row: RoomRow): Room {
  return {
    id: row.id,
    uri: row.uri,
    name: row.name,
    description: row.description,
    topic: row.topic,
    categoryId: row.category_id,
    category: row.category,
    type: row.type,
    privacy: row.privacy,
    invitations: row.invitations,
    addIn: row.add_in,
    disabled: Boolean(row.disabled),
    lastChatId: row.last_chat_id,
    rights: row.rights,
    createdAt: row.created_at,
  }
}
