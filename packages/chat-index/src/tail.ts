import { type ChatRange, chatsInRanges } from '@hansard/pool-store'
import { type Database, isOneOf, rowsOf } from '@hansard/sql'
import type { Place } from './block.ts'
import { CHAT_BYTES } from './rows.ts'

/** The chats not indexed yet, per room; of all rooms or of the given ones. */
export async function roomTails(db: Database, roomIds?: readonly number[]): Promise<ChatRange[]> {
  const which = roomIds ? isOneOf(db.dialect, 'room.id', roomIds) : { sql: '1 = 1', values: [] }
  return rowsOf<ChatRange>(
    db.knex,
    `select room.id as "roomId", coalesce(search_room.indexed_through, 0) as "after", room.last_chat_id as "through"
     from room left join search_room on search_room.room_id = room.id
     where ${which.sql} and room.last_chat_id > coalesce(search_room.indexed_through, 0)`,
    which.values,
  )
}

/** A chat that is not indexed yet. */
type WaitingChat = Place & { readonly bytes: number }

/** Size of the tails. It reads every chat, so use it only for few. */
export async function bytesOfTails(db: Database, tails: readonly ChatRange[]): Promise<number> {
  const from = chatsInRanges(db.dialect, tails)
  const [row] = await rowsOf<{ bytes: string | number | null }>(
    db.knex,
    `select sum(${CHAT_BYTES}) as "bytes" from ${from.sql}`,
    from.values,
  )
  return Number(row!.bytes)
}

/**
 * The oldest chats of the tails, by time: at least `limit` of them if there are that many, and never more. Within a
 * room they are in the order of their ids, even if the clocks of the services disagree.
 */
export async function gatherTails(db: Database, tails: readonly ChatRange[], limit: number): Promise<WaitingChat[]> {
  type Waiting = WaitingChat & { readonly order: number }
  const rooms = tails
    .slice(0, ROOMS_AT_ONCE)
    .map((tail) => ({ ...tail, step: 0, latest: Number.NEGATIVE_INFINITY, queue: [] as Waiting[] }))
  const first = Math.min(limit, Math.max(16, Math.ceil((2 * limit) / Math.max(rooms.length, 1))))
  const taken: Waiting[] = []
  for (;;) {
    const hungry = rooms.filter((room) => room.queue.length === 0 && room.after < room.through)
    if (hungry.length === 0) break
    const byId = new Map(hungry.map((room) => [room.roomId, room]))
    const ranges = hungry.map((room) => {
      room.step = room.step === 0 ? first : Math.min(room.step * 2, limit)
      const through = Math.min(room.after + room.step, room.through)
      const range = { roomId: room.roomId, after: room.after, through }
      room.after = through
      return range
    })
    const from = chatsInRanges(db.dialect, ranges)
    const rows = await rowsOf<WaitingChat>(
      db.knex,
      `select chat.room_id as "roomId", chat.chat_id as "chatId", chat.principal_id as "principalId",
              chat.posted_at as "postedAt", ${CHAT_BYTES} as "bytes" from ${from.sql} order by chat.room_id, chat.chat_id`,
      from.values,
    )
    for (const row of rows) {
      const room = byId.get(row.roomId)!
      room.latest = Math.max(room.latest, row.postedAt)
      room.queue.push({ ...row, order: room.latest })
    }
    // Up to here, what was read has no gaps.
    const horizon = Math.min(
      ...rooms
        .filter((room) => room.after < room.through)
        .map((room) => (room.queue.length > 0 ? room.latest : Number.NEGATIVE_INFINITY)),
    )
    for (const room of rooms) {
      const later = room.queue.findIndex((chat) => chat.order > horizon)
      taken.push(...room.queue.splice(0, later === -1 ? room.queue.length : later))
    }
    if (taken.length >= limit) break
  }
  taken.sort((a, b) => a.order - b.order || a.roomId - b.roomId || a.chatId - b.chatId)
  return taken.slice(0, limit).map(({ order: _, ...place }) => place)
}

const ROOMS_AT_ONCE = 2_000
