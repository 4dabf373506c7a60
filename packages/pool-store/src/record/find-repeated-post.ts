import type { Database } from '@hansard/sql'
import type { Outcome } from './facts.ts'
import { isSamePost, type PostedContent, type RecordedPost } from './post-digest.ts'

/**
 * For an author who may not post any more: what is on record under the post's name, either the chat that it repeats
 * or a different post. Undefined when there is neither, and when there is no such room.
 */
export async function findRepeatedPost(
  db: Database,
  { room, ...post }: Omit<PostedContent, 'roomId'> & { readonly room: string },
): Promise<Extract<Outcome, { kind: 'chat' | 'post-name-used' }> | undefined> {
  const recorded: (RecordedPost & { roomId: number }) | undefined = await db
    .knex('chat')
    .join('room', 'room.id', 'chat.room_id')
    .where({ 'room.uri': room, 'chat.principal_id': post.principal.id, 'chat.post': post.post })
    .select('chat.content', 'chat.title', 'chat.alert', 'chat.state')
    .select({ roomId: 'room.id', chatId: 'chat.chat_id', at: 'chat.posted_at', digest: 'chat.post_digest' })
    .first()
  if (!recorded) return undefined
  const { roomId, chatId, at } = recorded
  if (!isSamePost(recorded, { ...post, roomId })) return { kind: 'post-name-used', chatId }
  return { kind: 'chat', chatId, at, repeated: true }
}
