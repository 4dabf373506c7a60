import type { Database } from '@hansard/sql'

/** A chat as read from the database. Names are current; the compliance event holds those at the time of the post. */
export type Chat = {
  readonly chatId: number
  readonly postedAt: number
  readonly author: { readonly uri: string; readonly name: string }
  /** of high importance */
  readonly alert: boolean
  /** the chat is a story */
  readonly title: string | undefined
  readonly text: string
  /** `replaced`: the text differs from the one posted. `purged`: only the id is left. */
  readonly state: 'kept' | 'replaced' | 'purged'
  /** it was not posted here: who imported it (their URI), and when */
  readonly imported?: { readonly by: string; readonly at: number }
}

/**
 * Chats with ids in `(after, through]`, oldest first, at most `limit`: what is delivered. The ids have no gaps: a
 * purged chat is included with its id only. `unlogged`: the room kept no history when the chat was posted.
 */
export async function chatsAfter(
  db: Database,
  { roomId, after, through, limit }: { roomId: number; after: number; through: number; limit: number },
): Promise<(Chat & { readonly unlogged: boolean })[]> {
  const rows: (ChatRow & { unlogged: boolean | number })[] = await select(db, roomId)
    .select('unlogged')
    .andWhere('chat_id', '>', after)
    .andWhere('chat_id', '<=', through)
    .orderBy('chat_id')
    .limit(limit)
  return rows.map((row) => ({ ...chatOf(row), unlogged: Boolean(row.unlogged) }))
}

/**
 * Chats that were replaced or purged by edits after `after`, in the order of the edits, and the last edit that is
 * included completely; there may be more. One edit covers at most `EDITED_AT_ONCE` chats.
 */
export async function chatsEdited(
  db: Database,
  { roomId, after }: { roomId: number; after: number },
): Promise<{ chats: Chat[]; through: number }> {
  const rows: (ChatRow & { edit: number })[] = await select(db, roomId)
    .select('edit')
    .andWhere('edit', '>', after)
    .orderBy(['edit', 'chat_id'])
    .limit(2 * EDITED_AT_ONCE)
  const last = rows.at(-1)?.edit
  if (last === undefined) return { chats: [], through: after }
  // The last edit may continue beyond what was read.
  const whole = rows.length < 2 * EDITED_AT_ONCE ? rows : rows.filter(({ edit }) => edit < last)
  return { chats: whole.map(chatOf), through: whole.at(-1)!.edit }
}

/** maximum chats per edit: posts wait for its transaction */
export const EDITED_AT_ONCE = 500

/** History: the last `limit` chats with ids below `before`, or the first after `after`; oldest first. */
export async function historyOf(
  db: Database,
  { roomId, limit, ...page }: { roomId: number; limit: number } & ({ before: number } | { after: number }),
): Promise<Chat[]> {
  const query = select(db, roomId).whereNot({ state: 'purged' }).andWhere({ unlogged: false }).limit(limit)
  if ('after' in page) return (await query.andWhere('chat_id', '>', page.after).orderBy('chat_id')).map(chatOf)
  return (await query.andWhere('chat_id', '<', page.before).orderBy('chat_id', 'desc')).reverse().map(chatOf)
}

/**
 * Blanks at most `limit` chats of rooms without history that were posted before `before` (milliseconds since 1970);
 * returns how many. The compliance record keeps their text. Any number of services may run it.
 */
export async function blankUnlogged(
  db: Database,
  { before, limit }: { before: number; limit: number },
): Promise<number> {
  const due: { room_id: number; chat_id: number }[] = await db
    .knex('chat')
    // The same expression as the index.
    .whereRaw("unlogged and state <> 'purged'")
    .andWhere('posted_at', '<', before)
    .orderBy('posted_at')
    .limit(limit)
    .select('room_id', 'chat_id')
  const byRoom = Map.groupBy(due, (row) => row.room_id)
  for (const [roomId, rows] of byRoom) {
    await db
      .knex('chat')
      .where({ room_id: roomId })
      .whereIn(
        'chat_id',
        rows.map((row) => row.chat_id),
      )
      .update({ content: '""', title: null, state: 'purged' })
  }
  return due.length
}

export type ChatRow = {
  chat_id: number
  posted_at: number
  content: string
  alert: boolean | number
  title: string | null
  state: Chat['state']
  imported_by: string | null
  imported_at: number | null
  uri: string
  display_name: string
}

function select(db: Database, roomId: number) {
  return db
    .knex<ChatRow>('chat')
    .join('principal', 'principal.id', 'chat.principal_id')
    .where({ room_id: roomId })
    .select<ChatRow[]>('chat_id', 'posted_at', 'content', 'alert', 'title', 'state', 'imported_by', 'imported_at')
    .select<ChatRow[]>('uri', 'display_name')
}

export function chatOf(row: ChatRow): Chat {
  return {
    chatId: row.chat_id,
    postedAt: row.posted_at,
    author: { uri: row.uri, name: row.display_name },
    alert: Boolean(row.alert),
    title: row.title === null ? undefined : (JSON.parse(row.title) as string),
    text: JSON.parse(row.content) as string,
    state: row.state,
    ...(row.imported_by === null ? {} : { imported: { by: row.imported_by, at: row.imported_at! } }),
  }
}
