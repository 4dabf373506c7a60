import { type Database, groupedStatement, type Knex } from '@hansard/sql'

/**
 * Records that a principal has read everything up to `chatId`. A mark never goes back, and never beyond the room's
 * newest chat.
 */
export async function putReadMark(
  db: Database,
  { principalId, roomId, chatId }: { principalId: number; roomId: number; chatId: number },
): Promise<void> {
  await groupedStatement(db, (knex) =>
    knex.raw(
      `insert into read_mark (principal_id, room_id, chat_id)
       select cast(? as integer), id, case when last_chat_id < cast(? as bigint) then last_chat_id else cast(? as bigint) end
       from room where id = ?
       on conflict (principal_id, room_id) do update set chat_id = excluded.chat_id
       where excluded.chat_id > read_mark.chat_id`,
      [principalId, chatId, chatId, roomId],
    ),
  )
}

/** @internal Starts counting unread chats now: chats from before the principal followed the room are not unread. */
export async function beginReadMark(
  tx: Knex.Transaction,
  { principalId, roomId }: { principalId: number; roomId: number },
): Promise<void> {
  await tx.raw(
    `insert into read_mark (principal_id, room_id, chat_id) select cast(? as integer), id, last_chat_id from room where id = ?
     on conflict (principal_id, room_id) do nothing`,
    [principalId, roomId],
  )
}
