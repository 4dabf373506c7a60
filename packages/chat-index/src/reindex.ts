import type { Knex } from '@hansard/sql'

/**
 * Marks a chat as replaced or purged. Call it in the transaction of the change, after the change: from the commit on,
 * searches use the new text, and the indexer removes the old words from the index, usually within a second.
 */
export async function reindexChat(tx: Knex.Transaction, roomId: number, chatId: number): Promise<void> {
  await again(tx, 'room_id = ? and chat_id = ?', [roomId, chatId])
}

/** The same for many chats of a room. */
export async function reindexChats(tx: Knex.Transaction, roomId: number, chatIds: readonly number[]): Promise<void> {
  for (let from = 0; from < chatIds.length; from += CHATS_AT_ONCE) {
    const ids = chatIds.slice(from, from + CHATS_AT_ONCE)
    await again(tx, `room_id = ? and chat_id in (${ids.map(() => '?').join(',')})`, [roomId, ...ids])
  }
}

/** The same for all chats of a room. */
export async function reindexRoom(tx: Knex.Transaction, roomId: number): Promise<void> {
  await again(tx, 'room_id = ?', [roomId])
}

async function again(tx: Knex.Transaction, which: string, values: number[]): Promise<void> {
  await tx.raw(
    `insert into search_again (room_id, chat_id, gone)
     select room_id, chat_id, (state = 'purged' or unlogged) from chat where ${which}
     on conflict (room_id, chat_id) do update set gone = excluded.gone`,
    values,
  )
}

/** @internal The index has these chats as they are now. */
export async function forgetChanges(
  tx: Knex.Transaction,
  chats: readonly { readonly roomId: number; readonly chatId: number }[],
): Promise<void> {
  for (let from = 0; from < chats.length; from += CHATS_AT_ONCE) {
    await tx('search_again')
      .whereIn(
        ['room_id', 'chat_id'],
        chats.slice(from, from + CHATS_AT_ONCE).map((chat) => [chat.roomId, chat.chatId]),
      )
      .delete()
  }
}

const CHATS_AT_ONCE = 400
