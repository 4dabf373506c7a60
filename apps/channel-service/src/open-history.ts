import { type Chat, chatsBefore } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import { refuseUnrecorded } from './refusals.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** A page holds the newest of the chats asked for that fit: the rest is asked for with `before`. */
const PAGE_CHARACTERS_MAX = 1_024 * 1_024

/** Shows a page of history. The look is on record before the page is sent. */
export async function openHistory(
  { db, writer, config }: Pick<ChannelServiceParts, 'db' | 'writer' | 'config'>,
  session: Session,
  { id, room, before, limit }: ClientMessageOf<'history'>,
): Promise<void> {
  const hub = session.memberships.get(room)?.hub
  if (!hub) return session.refuse(id, 'not-joined', 'Join the room before you read its history.')
  if (session.historyUnderWay) return session.refuse(id, 'too-fast', 'One page of history at a time.')
  const { historyPageDefault, historyPageMax } = config.limits
  const wanted = Math.min(limit ?? historyPageDefault, historyPageMax)
  session.historyUnderWay = true
  const read = chatsBefore(db, { roomId: hub.id, before: before ?? Number.MAX_SAFE_INTEGER, limit: wanted })
  const found = await read.finally(() => {
    session.historyUnderWay = false
  })
  if (session.closed) return
  const chats = newestWithin(found, PAGE_CHARACTERS_MAX)
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

function newestWithin(chats: readonly Chat[], charactersMax: number): readonly Chat[] {
  let characters = 0
  let from = chats.length
  while (from > 0 && (from === chats.length || characters + chats[from - 1]!.text.length <= charactersMax)) {
    from -= 1
    characters += chats[from]!.text.length
  }
  return chats.slice(from)
}
