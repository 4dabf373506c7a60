import type { Dialect, Knex } from '@hansard/sql'

/** `column` is one of `values`, however many there are. */
export function isOneOf(dialect: Dialect, column: string, values: readonly number[]): Bound {
  return dialect === 'sqlite'
    ? { sql: `${column} in (select value from json_each(?))`, values: [JSON.stringify(values)] }
    : { sql: `${column} = any(?::int[])`, values: [values] }
}
export type Bound = { readonly sql: string; readonly values: readonly unknown[] }

/** Chats `(after, through]` of a room. */
export type ChatRange = { readonly roomId: number; readonly after: number; readonly through: number }

/**
 * `from …`: the chats of many ranges, each read through the primary key. Both planners would rather read the whole
 * table when ranges are many, so the order of the join is fixed.
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

/** The ranges, cut and put together so that each portion has at most `size` chats. */
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

/** `from …`: single chats, by their keys. */
export function chatsAt(dialect: Dialect, keys: readonly { roomId: number; chatId: number }[]): Bound {
  if (dialect === 'sqlite') {
    return {
      sql: `json_each(?) as wanted cross join chat on chat.room_id = json_extract(wanted.value, '$[0]')
            and chat.chat_id = json_extract(wanted.value, '$[1]')`,
      values: [JSON.stringify(keys.map((key) => [key.roomId, key.chatId]))],
    }
  }
  return {
    sql: `unnest(?::int[], ?::int8[]) as wanted(room, id) cross join lateral (
            select * from chat where room_id = wanted.room and chat_id = wanted.id offset 0) as chat`,
    values: [keys.map((key) => key.roomId), keys.map((key) => key.chatId)],
  }
}

/** Runs a statement that answers rows. The drivers hand them over differently. */
export async function rowsOf<Row>(knex: Knex, sql: string, values: readonly unknown[] = []): Promise<Row[]> {
  const answer = (await knex.raw(sql, values as Knex.RawBinding[])) as Row[] | { rows: Row[] }
  return Array.isArray(answer) ? answer : answer.rows
}

/** How much a chat's text is to read; titles are short. Neither database reads the text itself for it. */
export const CHAT_BYTES = 'octet_length(chat.content)'

/**
 * The text of a chat that is short, to be read with many others, and null for a long one: of those only as many are read
 * in one statement as `portionsOf` says. Talk is short, so it costs no further statement.
 */
export const CONTENT_IF_SHORT = `case when ${CHAT_BYTES} <= 1024 then chat.content end`

/** Chats that are read in one statement: few enough, and few enough bytes, but one at least. */
export function* portionsOf<C extends { readonly bytes: number }>(
  chats: readonly C[],
  { count, bytes }: { readonly count: number; readonly bytes: number },
): Generator<readonly C[]> {
  for (let from = 0; from < chats.length; ) {
    let to = from
    for (let sum = 0; to < chats.length && to - from < count; to += 1) {
      sum += chats[to]!.bytes
      if (sum > bytes && to > from) break
    }
    yield chats.slice(from, to)
    from = to
  }
}

/** Bytes of long chats in one statement, or two stories. */
export const PORTION_BYTES = 128 * 1_024
