import { yieldToEventLoop } from '@hansard/lifecycle'
import type { RoomInvitations, RoomPrivacy, RoomRole, RoomType } from '@hansard/rooms'
import type { Database, Knex } from '@hansard/sql'
import { applyWalls, categoriesNaming, roomsGranting } from '../access/walls.ts'
import { type Room, type RoomRow, roomOf, selectRooms } from '../rooms/rooms.ts'
import { largerRooms } from './large-rooms.ts'
import { whereLike } from './wildcard.ts'

/**
 * Searches for rooms.
 *
 * The danger is a criterion that reveals what a direct query would refuse: a caller who may search rooms by member
 * could read every member list, name by name. A criterion therefore matches a room only where the caller may see, for
 * that room, what the criterion is about. For every other caller it matches nothing, as if what it names did not
 * exist.
 */

/** Criteria for rooms; all given ones must match. */
export type RoomFilter = {
  /** exactly */
  readonly category?: { readonly name: string } | { readonly uri: string } | undefined
  readonly disabled?: boolean | undefined
  readonly privacy?: RoomPrivacy | undefined
  readonly type?: RoomType | undefined
  /** the room's own value, whatever its category's */
  readonly invitations?: RoomInvitations | undefined
  readonly addIn?: string | undefined
  /** words that the name must contain (with `inDescription`, name or description) */
  readonly text?: RoomTextFilter | undefined
  /** a wildcard for the name (with `inDescription`, for name or description) */
  readonly like?: { readonly wildcard: string; readonly inDescription: boolean } | undefined
  /** rooms that grant the role to one of these principals */
  readonly member?: readonly number[] | undefined
  readonly manager?: readonly number[] | undefined
  /** rooms that this principal is in now */
  readonly joined?: number | undefined
  /** rooms that this principal follows, or was ever invited to */
  readonly followedBy?: number | undefined
  readonly invited?: number | undefined
  /** rooms whose stored chats are larger than this many bytes */
  readonly contentAbove?: number | undefined
}
type RoomTextFilter = {
  readonly words: readonly string[]
  /** `exact`: the words, joined by single spaces, are the whole name */
  readonly match: 'all' | 'any' | 'exact'
  readonly inDescription: boolean
}

/** The caller of a room search, and the rooms it covers. */
export type RoomAsker = {
  /** the ids the caller acts under */
  readonly identities: readonly number[]
  /** rooms the caller may join, may see, or may know of (see `applyWalls`), or all regardless of walls */
  readonly among: 'joinable' | 'seen' | 'known' | 'all'
  /** may see the lists and the category of every room, as administrators may */
  readonly seesRoles: boolean
  /** only rooms that grant the caller these roles */
  readonly holding?: readonly RoomRole[]
}

/** SQLite blocks the whole process during a statement: read this many rooms, then yield. */
const ROOMS_AT_ONCE = 4_096
/** rooms whose chats are measured before the search continues */
const ROOMS_WEIGHED_AT_ONCE = 200

/** Rooms by name, after `after` (a `roomCursor`). Without a caller, no access rules apply. */
export async function listRooms(db: Database, options: ListOptions): Promise<Room[]> {
  const { after = '', limit, filter = {} } = options
  if (filter.contentAbove === undefined) return roomsByName(db, options)
  const page = (from: string) => roomsByName(db, { ...options, after: from, limit: ROOMS_WEIGHED_AT_ONCE })
  return largerRooms(db, { above: filter.contentAbove, after, limit, page, cursorOf: (room) => roomCursor(room) })
}

/**
 * Where a list continues after a room: the room's name and URI, which are its place in the order. No room is looked up
 * by it, so a caller learns nothing by sending one of a room they may not see. A name alone continues after all rooms
 * with it.
 */
export function roomCursor({ name, uri }: { readonly name: string; readonly uri: string }): string {
  return `${name}\n${uri}`
}

type Place = readonly [name: string, uri: string]

/** No name holds a line break. */
function placeOf(cursor: string): Place {
  const at = cursor.indexOf('\n')
  return at === -1 ? [cursor, AFTER_EVERY_URI] : [cursor.slice(0, at), cursor.slice(at + 1)]
}

/** URIs of rooms, and of the pool itself, begin with `ma-`. */
const AFTER_EVERY_URI = 'zz'

type ListOptions = {
  readonly after?: string | undefined
  readonly limit: number
  readonly filter?: RoomFilter
  readonly asker?: RoomAsker
}

async function roomsByName(db: Database, options: ListOptions): Promise<Room[]> {
  const { limit, filter = {}, asker } = options
  const { knex } = db
  const found: Room[] = []
  for (let after = placeOf(options.after ?? ''); ; ) {
    const through = db.dialect === 'sqlite' ? await placeFurtherOn(knex, { after, by: ROOMS_AT_ONCE }) : undefined
    const query = selectRooms(knex, { byName: db.dialect === 'sqlite' })
      .andWhereRaw('(room.name, room.uri) > (?, ?)', [...after])
      .orderBy('room.name')
      .orderBy('room.uri')
      .limit(limit - found.length)
    if (through !== undefined) query.andWhereRaw('(room.name, room.uri) <= (?, ?)', [...through])
    applyFilter(knex, query, filter)
    if (asker) await applyAsker(knex, query, filter, asker)
    const rows: RoomRow[] = await query
    found.push(...rows.map(roomOf))
    if (through === undefined || found.length >= limit) return found
    after = through
    await yieldToEventLoop()
  }
}

async function placeFurtherOn(knex: Knex, { after, by }: { after: Place; by: number }): Promise<Place | undefined> {
  const query = knex('room')
    .whereRaw('(name, uri) > (?, ?)', [...after])
    .orderBy('name')
    .orderBy('uri')
    .offset(by - 1)
  const row: { name: string; uri: string } | undefined = await query.first('name', 'uri')
  return row && [row.name, row.uri]
}

/**
 * Whether a room that the caller may know of has a name. The statement is the same for a name that no room has, that a
 * hidden room has, and that a room in sight has.
 */
export async function roomNameTaken(knex: Knex, name: string, asker: RoomAsker): Promise<boolean> {
  const query = knex('room').whereNotNull('room.category_id').whereNull('room.deleted_at').andWhere('room.name', name)
  await applyAsker(knex, query, {}, asker)
  return (await query.first('room.id')) !== undefined
}

/** @internal Only rooms whose category these identities are told: those they manage, and those where they may create. */
export function whereCategoryKnown(knex: Knex, query: Knex.QueryBuilder, identities: readonly number[]): void {
  query.andWhere((known) =>
    known
      .whereIn('room.id', roomsGranting(knex, identities, 'manager'))
      .orWhereIn('room.category_id', categoriesNaming(knex, identities, 'creator')),
  )
}

/** @internal The same rules as `decide('see-roles')`, `mayKnowCategory` and `decide('see-roster')`. */
export async function applyAsker(
  knex: Knex,
  query: Knex.QueryBuilder,
  filter: RoomFilter,
  asker: RoomAsker,
): Promise<void> {
  const { identities, among, seesRoles, holding = [] } = asker
  const managed = () => roomsGranting(knex, identities, 'manager')
  if (among !== 'all') await applyWalls(knex, query, { identities, reach: among })
  for (const role of holding) query.whereIn('room.id', roomsGranting(knex, identities, role))
  if (!seesRoles && (filter.member !== undefined || filter.manager !== undefined)) query.whereIn('room.id', managed())
  if (!seesRoles && filter.category !== undefined) whereCategoryKnown(knex, query, identities)
  // Not even an administrator sees who is in a room that they may not join.
  if (filter.joined !== undefined) await applyWalls(knex, query, { identities, reach: 'joinable' })
}

function applyFilter(knex: Knex, query: Knex.QueryBuilder, filter: RoomFilter): void {
  const { category, disabled, privacy, type, invitations, addIn, text, like, member, manager, joined } = filter
  const of = (table: string, id: number) => knex(table).where({ principal_id: id }).select('room_id')
  if (category !== undefined) query.whereIn('room.category_id', knex('category').where(category).select('id'))
  if (disabled !== undefined) query.andWhere('room.disabled', disabled)
  if (privacy !== undefined) query.andWhere('room.privacy', privacy)
  if (type !== undefined) query.andWhere('room.type', type)
  if (invitations !== undefined) query.andWhere('room.invitations', invitations)
  if (addIn !== undefined) query.andWhere('add_in.name', addIn)
  if (member !== undefined) query.whereIn('room.id', roomsGranting(knex, member, 'member'))
  if (manager !== undefined) query.whereIn('room.id', roomsGranting(knex, manager, 'manager'))
  if (joined !== undefined) query.whereIn('room.id', of('participant', joined))
  if (filter.followedBy !== undefined) query.whereIn('room.id', of('followed_room', filter.followedBy))
  if (filter.invited !== undefined) query.whereIn('room.id', of('invitation', filter.invited))
  if (text) applyText(query, text)
  if (like) whereLike(query, like.inDescription ? ['room.name', 'room.description'] : ['room.name'], like.wildcard)
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
      // No word contains a line break, so a match in the joined text lies within one of the two.
      const where = inDescription ? "lower(room.name || '\n' || room.description)" : 'lower(room.name)'
      const holds = `${where} like lower(?) escape '\\'`
      if (match === 'all') all.whereRaw(holds, [pattern])
      else all.orWhereRaw(holds, [pattern])
    }
  })
}
