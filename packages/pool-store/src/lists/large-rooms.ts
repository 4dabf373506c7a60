import { yieldToEventLoop } from '@hansard/lifecycle'
import { type Database, type Knex, rowsOf } from '@hansard/sql'
import { chatsInRanges, rangePortions } from '../rooms/chat-ranges.ts'

type Sized = { readonly id: number; readonly lastChatId: number }

/**
 * The first `limit` rooms, by name, whose stored chats are larger than `above` bytes in total. `page` returns the
 * rooms after a cursor, and none after the last; `cursorOf` is the cursor after a room.
 *
 * These sizes are not maintained anywhere, so the chats are read, a few thousand at a time, and for one caller at a
 * time, because the database is shared.
 */
export async function largerRooms<R extends Sized>(
  db: Database,
  options: {
    readonly above: number
    readonly after: string
    readonly limit: number
    page(after: string): Promise<readonly R[]>
    cursorOf(room: R): string
  },
): Promise<R[]> {
  const before = measuring.get(db.knex)
  const mine = (before ?? Promise.resolve()).then(() => measure(db, options))
  const settled = mine.then(
    () => {},
    () => {},
  )
  measuring.set(db.knex, settled)
  return mine
}

/** Per database of this process: the last caller in the queue. */
const measuring = new WeakMap<Knex, Promise<void>>()

async function measure<R extends Sized>(
  db: Database,
  { above, after, limit, page, cursorOf }: Parameters<typeof largerRooms<R>>[1],
): Promise<R[]> {
  const found: R[] = []
  for (let rooms = await page(after); rooms.length > 0; rooms = await page(cursorOf(rooms.at(-1)!))) {
    const larger = await roomsLargerThan(db, rooms, above)
    found.push(...rooms.filter((room) => larger.has(room.id)))
    if (found.length >= limit) break
  }
  return found.slice(0, limit)
}

async function roomsLargerThan(db: Database, rooms: readonly Sized[], bytes: number): Promise<Set<number>> {
  const larger = new Set<number>()
  const sizes = new Map<number, number>()
  const all = rooms.map(({ id, lastChatId }) => ({ roomId: id, after: 0, through: lastChatId }))
  for (const ranges of rangePortions(all, CHATS_PER_STEP)) {
    const open = ranges.filter((range) => !larger.has(range.roomId))
    if (open.length === 0) continue
    await yieldToEventLoop()
    const from = chatsInRanges(db.dialect, open)
    const rows = await rowsOf<{ roomId: number; bytes: string | number }>(
      db.knex,
      `select chat.room_id as "roomId", sum(octet_length(chat.content)) as "bytes" from ${from.sql}
       where chat.state <> 'purged' group by chat.room_id`,
      from.values,
    )
    for (const row of rows) {
      const size = (sizes.get(row.roomId) ?? 0) + Number(row.bytes)
      sizes.set(row.roomId, size)
      if (size > bytes) larger.add(row.roomId)
    }
  }
  return larger
}

/** takes SQLite a few milliseconds */
const CHATS_PER_STEP = 4_000
