import { reindexChats } from '@hansard/chat-index'
import type { Knex } from '@hansard/sql'
import type { CommandActor } from './context.ts'
import type { LockedRoom } from './locked.ts'
import { BATCH } from './named-principals.ts'
import { ChangeRefused } from './result.ts'

/** The replacement for a chat. `keepsTitle`: a story stays one; `title` is its new title, if given. */
export type Replacement = { readonly text: string; readonly title?: string | undefined; readonly keepsTitle: boolean }

/** Maximum bytes of a chat and of a story: provided by the entry point. */
export type TextLimits = { readonly chatBytesMax: number; readonly storyBytesMax: number }

/** A chat with its author. */
export type ChatToEdit = {
  chat_id: number
  content: string
  title: string | null
  state: string
  alert: unknown
  posted_at: number
  author_id: number
  author_uri: string
  author_name: string
  author_email: string | null
  author_internal: unknown
}

/** The chats of a room that are not purged, with their authors. */
export function chatsOf(tx: Knex.Transaction, roomId: number): Knex.QueryBuilder {
  return tx('chat')
    .join('principal', 'principal.id', 'chat.principal_id')
    .where('chat.room_id', roomId)
    .whereNot('chat.state', 'purged')
    .select('chat.chat_id', 'chat.content', 'chat.title', 'chat.state', 'chat.alert', 'chat.posted_at')
    .select({ author_id: 'principal.id', author_uri: 'principal.uri', author_name: 'principal.display_name' })
    .select({ author_email: 'principal.email', author_internal: 'principal.internal' })
}

export function textsOf(row: ChatToEdit): { text: string; title?: string } {
  const title = row.title === null ? {} : { title: JSON.parse(row.title) as string }
  return { text: JSON.parse(row.content) as string, ...title }
}

/** A chat's current state, as recorded by the event that edits it. */
function replacedOf(row: ChatToEdit) {
  const { text: replaced, title } = textsOf(row)
  return {
    chatId: row.chat_id,
    replaced,
    ...(title === undefined ? {} : { replacedTitle: title }),
    // The text is then an editor's, not the author's.
    ...(row.state === 'replaced' ? { replacedBefore: true as const } : {}),
    author: {
      id: row.author_id,
      uri: row.author_uri,
      name: row.author_name,
      ...(row.author_email === null ? {} : { email: row.author_email }),
      internal: Boolean(row.author_internal),
    },
    postedAt: row.posted_at,
    ...(row.alert ? { alert: true as const } : {}),
  }
}

/**
 * Purges or replaces the texts of chats, and records it: the events carry the old texts. It skips chats that already
 * have the new text.
 */
export async function editChats(
  tx: Knex.Transaction,
  { room }: LockedRoom,
  rows: readonly ChatToEdit[],
  by: CommandActor,
  replacement: Replacement | undefined,
) {
  const events = []
  const edited: number[] = []
  for (const row of rows) {
    const before = textsOf(row)
    const text = replacement?.text
    const title = replacement?.keepsTitle ? (replacement.title ?? before.title) : undefined
    if (text === before.text && title === before.title) continue
    edited.push(row.chat_id)
    const stands = title === undefined ? {} : { title }
    events.push({
      roomId: room.id,
      principal: by,
      detail:
        text === undefined
          ? { kind: 'chat-purged' as const, ...replacedOf(row) }
          : { kind: 'chat-replaced' as const, content: text, ...stands, ...replacedOf(row) },
    })
  }
  const edit = edited.length > 0 ? await nextEdit(tx, room.id) : undefined
  const now = {
    content: JSON.stringify(replacement?.text ?? ''),
    ...titleColumn(replacement),
    state: replacement ? 'replaced' : 'purged',
    edit,
  }
  for (let from = 0; from < edited.length; from += BATCH) {
    await tx('chat')
      .where({ room_id: room.id })
      .whereIn('chat_id', edited.slice(from, from + BATCH))
      .update(now)
  }
  await reindexChats(tx, room.id, edited)
  return { events, edited, edit }
}

/** The caller holds the room's lock. */
async function nextEdit(tx: Knex.Transaction, roomId: number): Promise<number> {
  const { edits }: { edits: number } = await tx('room').where({ id: roomId }).first('edits')
  await tx('room')
    .where({ id: roomId })
    .update({ edits: edits + 1 })
  return edits + 1
}

/** Titles of several chats can only be removed together. */
function titleColumn(replacement: Replacement | undefined): { title?: string | null } {
  if (!replacement?.keepsTitle) return { title: null }
  return replacement.title === undefined ? {} : { title: JSON.stringify(replacement.title) }
}

/** Refuses a title for a plain chat, and a text longer than permitted for what it replaces. */
export function requireFitting(
  row: ChatToEdit,
  { text, title, limits }: Replacement & { limits?: TextLimits | undefined },
): void {
  const story = row.title !== null
  if (title !== undefined && !story) {
    throw new ChangeRefused('invalid', `Chat ${row.chat_id} is not a story, so it has no title.`)
  }
  if (!limits) return
  const bytesMax = story ? limits.storyBytesMax : limits.chatBytesMax
  const bytes = Buffer.byteLength(text)
  if (bytes <= bytesMax) return
  const what = story ? 'A story' : 'A chat'
  throw new ChangeRefused('too-long', `${what} may have at most ${bytesMax} bytes; this one has ${bytes}.`)
}
