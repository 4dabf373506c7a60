import type { Database, Knex } from '@hansard/sql'

/** What a usage report covers: chats in `[start, end)`; lists of at most this many entries. */
type UsageQuestion = {
  readonly start: number
  readonly end: number
  readonly topUsers: number
  readonly topRooms: number
  readonly leastActiveRooms: number
  /** rooms in which nothing was posted since this time; not searched for when undefined */
  readonly roomsInactiveSince?: number | undefined
  /** maximum number of inactive rooms listed */
  readonly inactiveMax: number
}
type RoomUse = {
  readonly uri: string
  readonly name: string
  readonly category: string
  readonly chats: number
  readonly authors: number
  /** another room may have this name by now */
  readonly deleted: boolean
}
type Usage = {
  readonly users: number
  readonly rooms: number
  readonly chats: number
  readonly topUsers: readonly { uri: string; name: string; chats: number; rooms: number }[]
  /** deleted rooms included, if they were used */
  readonly topRooms: readonly RoomUse[]
  readonly leastActiveRooms: readonly RoomUse[]
  readonly inactiveRooms: readonly { uri: string; name: string; category: string; lastChatAt: number | null }[]
  readonly moreInactiveRooms: boolean
}

/**
 * Who used the pool, and which rooms. Every posted chat counts, even if it was replaced or purged later.
 *
 * It reads every chat, because no index covers time alone. The caller must keep reports from running concurrently.
 */
export async function usageOf(db: Database, question: UsageQuestion): Promise<Usage> {
  const { knex } = db
  const posted = () => knex('chat').where('posted_at', '>=', question.start).andWhere('posted_at', '<', question.end)
  const totals: Counted = await posted().first(
    knex.raw('count(*) as "chats", count(distinct principal_id) as "users", count(distinct room_id) as "rooms"'),
  )
  const users: (Counted & { principal_id: number })[] =
    question.topUsers === 0
      ? []
      : await posted()
          .groupBy('principal_id')
          .orderByRaw('count(*) desc, principal_id')
          .limit(question.topUsers)
          .select('principal_id', knex.raw('count(*) as "chats", count(distinct room_id) as "rooms"'))
  const people: { id: number; uri: string; name: string }[] = await knex('principal')
    .whereIn(
      'id',
      users.map((user) => user.principal_id),
    )
    .select('id', 'uri', 'display_name as name')
  const use = () =>
    posted()
      .groupBy('room_id')
      .select('room_id', knex.raw('count(*) as "chats", count(distinct principal_id) as "authors"'))
      .as('use')
  const top =
    question.topRooms === 0
      ? []
      : await rooms(knex).join(use(), 'use.room_id', 'room.id').orderByRaw(MOST).limit(question.topRooms)
  const least =
    question.leastActiveRooms === 0
      ? []
      : await rooms(knex)
          .leftJoin(use(), 'use.room_id', 'room.id')
          .whereNull('room.deleted_at')
          .orderByRaw('coalesce("use"."chats", 0), room.id')
          .limit(question.leastActiveRooms)
  const inactive = await inactiveRooms(knex, question)
  return {
    users: Number(totals.users),
    rooms: Number(totals.rooms),
    chats: Number(totals.chats),
    topUsers: users.map((user) => {
      const person = people.find(({ id }) => id === user.principal_id)
      return {
        uri: person?.uri ?? '',
        name: person?.name ?? '',
        chats: Number(user.chats),
        rooms: Number(user.rooms),
      }
    }),
    topRooms: top.map(roomUseOf),
    leastActiveRooms: least.map(roomUseOf),
    inactiveRooms: inactive.slice(0, question.inactiveMax),
    moreInactiveRooms: inactive.length > question.inactiveMax,
  }
}

/** The newest chat of a room has its highest id, so the primary key finds it. */
async function inactiveRooms(
  knex: Knex,
  { roomsInactiveSince, inactiveMax }: UsageQuestion,
): Promise<{ uri: string; name: string; category: string; lastChatAt: number | null }[]> {
  if (roomsInactiveSince === undefined) return []
  const rows: { uri: string; name: string; category: string; last_chat_at: number | null }[] = await knex('room')
    .join('category', 'category.id', 'room.category_id')
    .leftJoin('chat', (on) => on.on('chat.room_id', 'room.id').andOn('chat.chat_id', 'room.last_chat_id'))
    .whereNull('room.deleted_at')
    .andWhere('room.created_at', '<', roomsInactiveSince)
    .andWhere((quiet) => quiet.whereNull('chat.posted_at').orWhere('chat.posted_at', '<', roomsInactiveSince))
    .orderBy('room.name')
    .limit(inactiveMax + 1)
    .select('room.uri', 'room.name', 'category.name as category', 'chat.posted_at as last_chat_at')
  return rows.map(({ last_chat_at: lastChatAt, ...room }) => ({ ...room, lastChatAt }))
}

const MOST = '"use"."chats" desc, room.id'

function rooms(knex: Knex): Knex.QueryBuilder {
  return knex('room')
    .join('category', 'category.id', 'room.category_id')
    .select(
      'room.uri',
      knex.raw('coalesce(room.shown_name, room.name) as "name"'),
      'category.name as category',
      'room.deleted_at',
      'use.chats',
      'use.authors',
    )
}

type Counted = { chats: number | string; users: number | string; rooms: number | string }

function roomUseOf(row: {
  uri: string
  name: string
  category: string
  chats: number | string | null
  authors: number | string | null
  deleted_at: number | string | null
}): RoomUse {
  const { uri, name, category } = row
  const deleted = row.deleted_at !== null
  return { uri, name, category, chats: Number(row.chats ?? 0), authors: Number(row.authors ?? 0), deleted }
}
