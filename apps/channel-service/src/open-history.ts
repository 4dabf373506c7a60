import { chatsBefore } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import { refuseUnrecorded } from './refusals.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Shows a page of history. The look is on record before the page is sent. */
export async function openHistory(
  { db, writer, config }: Pick<ChannelServiceParts, 'db' | 'writer' | 'config'>,
  session: Session,
  { id, room, before, limit }: ClientMessageOf<'history'>,
): Promise<void> {
  const hub = session.memberships.get(room)?.hub
  if (!hub) return session.refuse(id, 'not-joined', 'Join the room before you read its history.')
  const { historyPageDefault, historyPageMax } = config.limits
  const wanted = Math.min(limit ?? historyPageDefault, historyPageMax)
  const chats = await chatsBefore(db, { roomId: hub.id, before: before ?? Number.MAX_SAFE_INTEGER, limit: wanted })
  const firstChatId = chats[0]?.chatId ?? 0
  const lastChatId = chats.at(-1)?.chatId ?? 0
  writer.record(
    { kind: 'backchat', roomId: hub.id, principal: session.principal!, firstChatId, lastChatId },
    (outcome) => {
      if (outcome instanceof Error) return refuseUnrecorded(session, id, outcome)
      session.send({
        t: 'history',
        re: id,
        room: hub.uri,
        chats: chats.map((chat) => ({ chat: chat.chatId, at: chat.postedAt, from: chat.author, text: chat.text })),
        more: firstChatId > 1,
      })
    },
  )
}
