import type { Bound, Dialect } from '@hansard/sql'

/** `from …`: single chats, by primary key. */
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

/** The size of a chat's text; titles are short. Neither database reads the text itself for it. */
export const CHAT_BYTES = 'octet_length(chat.content)'

/**
 * The text of a short chat, which can be read together with many others, and null for a long one: `portionsOf` limits
 * how many long texts one statement reads. Most chats are short and need no second statement.
 */
export const CONTENT_IF_SHORT = `case when ${CHAT_BYTES} <= 1024 then chat.content end`

/** Splits chats into portions for one statement each: bounded in number and in bytes, but at least one chat. */
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

/** bytes of long chats per statement: about two stories */
export const PORTION_BYTES = 128 * 1_024
