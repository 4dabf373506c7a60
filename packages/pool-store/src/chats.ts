import type { Database } from '@hansard/sql'

/** A chat as it is read back. Names are today's; the compliance event holds those of the moment it was posted. */
export type Chat = {
  readonly chatId: number
  readonly postedAt: number
  readonly author: { readonly uri: string; readonly name: string }
  readonly text: string
}

/** Chats with ids in `(after, through]`, oldest first, at most `limit`. */
export async function chatsAfter(
  db: Database,
  { roomId, after, through, limit }: { roomId: number; after: number; through: number; limit: number },
): Promise<Chat[]> {
  const rows = await select(db, roomId)
    .andWhere('chat_id', '>', after)
    .andWhere('chat_id', '<=', through)
    .orderBy('chat_id')
    .limit(limit)
  return rows.map(chatOf)
}

/** The last `limit` chats with ids below `before`, oldest first. */
export async function chatsBefore(
  db: Database,
  { roomId, before, limit }: { roomId: number; before: number; limit: number },
): Promise<Chat[]> {
  const rows = await select(db, roomId).andWhere('chat_id', '<', before).orderBy('chat_id', 'desc').limit(limit)
  return rows.reverse().map(chatOf)
}

type ChatRow = { chat_id: number; posted_at: number; content: string; uri: string; display_name: string }

function select(db: Database, roomId: number) {
  return db
    .knex<ChatRow>('chat')
    .join('principal', 'principal.id', 'chat.principal_id')
    .where({ room_id: roomId })
    .select<ChatRow[]>('chat_id', 'posted_at', 'content', 'uri', 'display_name')
}

function chatOf(row: ChatRow): Chat {
  return {
    chatId: row.chat_id,
    postedAt: row.posted_at,
    author: { uri: row.uri, name: row.display_name },
    text: JSON.parse(row.content) as string,
  }
}
