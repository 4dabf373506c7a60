import type { Bound, Dialect } from '@hansard/sql'

/** Chats `(after, through]` of a room. */
export type ChatRange = { readonly roomId: number; readonly after: number; readonly through: number }

/**
 * `from …`: the chats of many ranges, each read through the primary key. With many ranges both planners would scan
 * the whole table, so the join order is fixed.
 */
export function chatsInRanges(dialect: Dialect, ranges: readonly ChatRange[]): Bound {
  if (dialect === 'sqlite') {
    return {
      sql: `json_each(?) as range cross join chat on chat.room_id = json_extract(range.value, '$[0]')
            and chat.chat_id > json_extract(range.value, '$[1]') and chat.chat_id <= json_extract(range.value, '$[2]')`,
      values: [JSON.stringify(ranges.map((range) => [range.roomId, range.after, range.through]))],
    }
  }
  return {
    sql: `unnest(?::int[], ?::int8[], ?::int8[]) as range(room, after, through) cross join lateral (
            select * from chat where room_id = range.room and chat_id > range.after and chat_id <= range.through
            order by chat_id offset 0) as chat`,
    values: [ranges.map((r) => r.roomId), ranges.map((r) => r.after), ranges.map((r) => r.through)],
  }
}

/** Splits and groups the ranges so that each portion has at most `size` chats. */
export function* rangePortions(ranges: readonly ChatRange[], size: number): Generator<ChatRange[]> {
  let portion: ChatRange[] = []
  let room = size
  for (const range of ranges) {
    for (let after = range.after; after < range.through; ) {
      const through = Math.min(range.through, after + room)
      portion.push({ roomId: range.roomId, after, through })
      room -= through - after
      after = through
      if (room > 0) continue
      yield portion
      portion = []
      room = size
    }
  }
  if (portion.length > 0) yield portion
}
