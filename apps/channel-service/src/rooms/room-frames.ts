import type { Chat } from '@hansard/pool-store'
import { chatChangedFrame, chatFrame, type ServerMessageOf } from '@hansard/wire'
import type { FeedChat } from '../attention/live-feeds.ts'
import { textFrame } from '../delivery/frames.ts'

/** The frame of a chat of this room. Undefined for a purged chat. */
export function frameOfChat(room: string, chat: Chat): Buffer | undefined {
  if (chat.state === 'purged') return undefined
  const { chatId, postedAt, author, text, alert, title, state, imported } = chat
  const replaced = state === 'replaced'
  return textFrame(
    chatFrame({ room, chat: chatId, at: postedAt, from: author, text, alert, title, replaced, imported }),
  )
}

/** Sent instead of chats that are purged or not for this client, so that the client does not take them for lost. */
export function goneFrame(room: string, from: number, through: number): Buffer {
  const gone: ServerMessageOf<'chats-purged'> = { t: 'chats-purged', room, from, through }
  return textFrame(JSON.stringify(gone))
}

/** The notice that a chat was replaced or purged. */
export function editFrame(room: string, { chatId, state, text, title }: Chat): Buffer {
  const content = state === 'purged' ? {} : { text, title }
  return textFrame(chatChangedFrame({ room, chat: chatId, ...content }))
}

/** The notices that some feeds of a session match a chat. */
export function feedMatchFrames(room: string, chat: number, feeds: readonly string[]): Buffer[] {
  return feeds.map((feed) => {
    const match: ServerMessageOf<'feed-match'> = { t: 'feed-match', feed, room, chat }
    return textFrame(JSON.stringify(match))
  })
}

/** A chat from the database, as feeds compare it. */
export const feedChat = ({ author, text, title }: Chat): FeedChat => ({ from: author, text, title })
