import type { RoomInvitations, RoomPrivacy, RoomType } from '@hansard/rooms'
import type { Database, Knex } from '@hansard/sql'
import { largerRooms } from './large-rooms.ts'
import { whereLike } from './wildcard.ts'

/** A room that is not deleted, as it is now. */
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
  /** version of who may do what in the room */
  readonly rights: number
  readonly createdAt: number
}

/** A room, or undefined when there is none or it is deleted. */
export async function findRoom(
  db: Database | Knex.Transaction,
  by: { uri: string } | { id: number } | { name: string },
): Promise<Room | undefined> {
  const [column, value] = Object.entries(by)[0]!
  // PostgreSQL knows no text with U+0000, and no room is called so.
  if (typeof value === 'string' && value.includes('\0')) return undefined
  const row: RoomRow | undefined = await selectRooms('dialect' in db ? db.knex : db)
    .where(`room.${column}`, value)
    .first()
  return row && roomOf(row)
}

/** What `listRooms` shows: all of these, when given. Names stand for uris where the type says so. */
export type RoomFilter = {
  readonly categoryId?: number | undefined
  readonly disabled?: boolean | undefined
  readonly privacy?: RoomPrivacy | undefined
  readonly type?: RoomType | undefined
  readonly invitations?: RoomInvitations | undefined
  readonly addIn?: string | undefined
  /** words that must stand in the name (or, with `inDescription`, in name or description) */
  readonly text?: RoomTextFilter | undefined
  /** rooms that grant the role to one of these principals */
  readonly member?: readonly number[] | undefined
  readonly manager?: readonly number[] | undefined
  readonly ids?: readonly number[] | undefined
  /** and, besides `manager`, rooms that one of these manages */
  readonly managedBy?: readonly number[] | undefined
  /** a wildcard for the name, or, with `inDescription`, for name or description */
  readonly like?: { readonly wildcard: string; readonly inDescription: boolean } | undefined
  /** rooms whose chats, as far as they are kept, are larger than so many bytes */
  readonly contentAbove?: number | undefined
}
export type RoomTextFilter = {
  readonly words: readonly string[]
  /** `exact`: the first word is the whole name */
  readonly match: 'all' | 'any' | 'exact'
  readonly inDescription: boolean
}

/** Rooms in the order of their names, those after `after`; only those `visibleTo` sees, when given. */
export async function listRooms(
  db: Database,
  options: { after?: string | undefined; limit: number; filter?: RoomFilter; visibleTo?: RoomViewer },
): Promise<Room[]> {
  const { after = '', limit, filter = {} } = options
  if (filter.contentAbove === undefined) return roomsByName(db, { ...options, after, filter })
  const page = (from: string) => roomsByName(db, { ...options, after: from, limit: MEASURED_AT_ONCE, filter })
  return largerRooms(db, { above: filter.contentAbove, after, limit, page })
}
const MEASURED_AT_ONCE = 200

async function roomsByName(
  db: Database,
  options: { after: string; limit: number; filter: RoomFilter; visibleTo?: RoomViewer },
): Promise<Room[]> {
  const { after, limit, filter, visibleTo } = options
  const query = selectRooms(db.knex).andWhere('room.name', '>', after).orderBy('room.name').limit(limit)
  applyFilter(db.knex, query, filter)
  if (visibleTo) await applyWalls(db.knex, query, visibleTo)
  const rows: RoomRow[] = await query
  return rows.map(roomOf)
}

/** Who looks: the ids a principal acts under (its own, its groups', its domain's). `onlyJoinable`: only rooms it may join. */
export type RoomViewer = { readonly identities: readonly number[]; readonly onlyJoinable?: boolean }

/** The newest chat id and the rights' version of each room that is still there. */
export async function roomCounters(
  db: Database,
  roomIds: readonly number[],
): Promise<Map<number, { lastChatId: number; rights: number }>> {
  const found = new Map<number, { lastChatId: number; rights: number }>()
  for (let from = 0; from < roomIds.length; from += 5_000) {
    const rows: { id: number; last_chat_id: number; rights: number }[] = await db
      .knex('room')
      .whereIn('id', roomIds.slice(from, from + 5_000))
      .select('id', 'last_chat_id', 'rights')
    for (const row of rows) found.set(row.id, { lastChatId: row.last_chat_id, rights: row.rights })
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

/** The join with the category keeps the pool's own row out: it has none. */
function selectRooms(knex: Knex | Knex.Transaction): Knex.QueryBuilder {
  return knex('room')
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

function applyFilter(knex: Knex, query: Knex.QueryBuilder, filter: RoomFilter): void {
  const { categoryId, disabled, privacy, type, invitations, addIn, text, member, manager, ids } = filter
  if (categoryId !== undefined) query.andWhere('room.category_id', categoryId)
  if (disabled !== undefined) query.andWhere('room.disabled', disabled)
  if (privacy !== undefined) query.andWhere('room.privacy', privacy)
  if (type !== undefined) query.andWhere('room.type', type)
  if (invitations !== undefined) query.andWhere('room.invitations', invitations)
  if (addIn !== undefined) query.andWhere('add_in.name', addIn)
  if (ids !== undefined) query.whereIn('room.id', ids)
  if (member !== undefined) query.whereIn('room.id', roomsGranting(knex, member, 'member'))
  if (manager !== undefined) query.whereIn('room.id', roomsGranting(knex, manager, 'manager'))
  if (text) applyText(query, text)
  const { like, managedBy } = filter
  if (like) whereLike(query, like.inDescription ? ['room.name', 'room.description'] : ['room.name'], like.wildcard)
  if (managedBy !== undefined) query.whereIn('room.id', roomsGranting(knex, managedBy, 'manager'))
}

function applyText(query: Knex.QueryBuilder, { words, match, inDescription }: RoomTextFilter): void {
  if (words.length === 0) return
  if (match === 'exact') {
    query.andWhere((either) => {
      either.whereRaw('lower(room.name) = lower(?)', [words.join(' ')])
      if (inDescription) either.orWhereRaw('lower(room.description) = lower(?)', [words.join(' ')])
    })
    return
  }
  query.andWhere((all) => {
    for (const word of words) {
      const pattern = `%${word.replace(/[\\%_]/g, '\\$&')}%`
      const holds = (either: Knex.QueryBuilder) => {
        either.whereRaw("lower(room.name) like lower(?) escape '\\'", [pattern])
        if (inDescription) either.orWhereRaw("lower(room.description) like lower(?) escape '\\'", [pattern])
      }
      if (match === 'all') all.andWhere(holds)
      else all.orWhere(holds)
    }
  })
}

function roomsGranting(knex: Knex | Knex.Transaction, principals: readonly number[], role: string): Knex.QueryBuilder {
  return knex('room_role').whereIn('principal_id', principals).andWhere({ role }).select('room_id')
}

/** @internal The wall in SQL: the same rule as `decide('see')` and `decide('join')` for somebody who is no administrator. */
export async function applyWalls(
  knex: Knex,
  query: Knex.QueryBuilder,
  { identities, onlyJoinable = false }: RoomViewer,
): Promise<void> {
  const categories = (list: string) =>
    knex('category_scope').where({ list }).whereIn('principal_id', identities).select('category_id')
  query.whereIn('room.category_id', categories('allowed')).whereNotIn('room.category_id', categories('denied'))
  const member = () => roomsGranting(knex, identities, 'member')
  if (onlyJoinable) {
    query
      .andWhere('room.disabled', false)
      .andWhere((either) => either.where('room.privacy', 'open').orWhereIn('room.id', member()))
    return
  }
  query.andWhere((either) =>
    either
      .whereIn('room.id', roomsGranting(knex, identities, 'manager'))
      .orWhere((found) =>
        found
          .where('room.disabled', false)
          .andWhere((known) => known.whereNot('room.privacy', 'secret').orWhereIn('room.id', member())),
      ),
  )
}

function roomOf(row: RoomRow): Room {
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
