import { type Chat, historyOf } from '@hansard/pool-store'
import type { ClientMessageOf, HistoryChat } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { refuseByRule, refuseUnrecorded, refuseUnsettled } from './refusals.ts'
import { decideInRoom } from './room-access.ts'

type Deps = Pick<ChannelServiceDeps, 'db' | 'writer' | 'rooms' | 'configuration'>

/** A page contains as many of the requested chats as fit; request the rest with `before` or `after`. */
const PAGE_CHARACTERS_MAX = 1_024 * 1_024
/** How often the room's rights may change while one read is being decided. */
const TRIES_MAX = 4

/** Shows a page of history, joined or not. The read is recorded before the page is sent. */
export async function openHistory(deps: Deps, session: Session, message: ClientMessageOf<'history'>): Promise<void> {
  if (session.historyUnderWay) return session.refuse(message.id, 'too-fast', 'One page of history at a time.')
  session.historyUnderWay = true
  try {
    await showPage(deps, session, message)
  } finally {
    session.historyUnderWay = false
  }
}

async function showPage(
  deps: Deps,
  session: Session,
  { id, room: uri, before, after, limit }: ClientMessageOf<'history'>,
): Promise<void> {
  const { db, writer, configuration } = deps
  const { historyPageDefault, historyPageMax } = configuration.limits
  const wanted = Math.min(limit ?? historyPageDefault, historyPageMax)
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const decided = await decideInRoom(deps, session, { uri, operation: 'read-history', fresh: tries > 0 })
    if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
    const { room } = decided.memberAccess.access
    const page = after === undefined ? { before: before ?? Number.MAX_SAFE_INTEGER } : { after }
    const found = await historyOf(db, { roomId: room.id, limit: wanted, ...page })
    if (session.closed) return
    const chats = after === undefined ? fitting(found.toReversed()).toReversed() : fitting(found)
    const firstChatId = chats[0]?.chatId ?? 0
    const lastChatId = chats.at(-1)?.chatId ?? 0
    const outcome = await writer.record({
      kind: 'backchat',
      roomId: room.id,
      principal: session.principal!,
      firstChatId,
      lastChatId,
      rights: room.rights,
    })
    if (outcome instanceof Error) return refuseUnrecorded(session, id, outcome)
    if (outcome.kind === 'rights-changed') continue
    const more = chats.length < found.length || (found.length === wanted && mayHaveMore(chats, { after }))
    return session.send({ t: 'history', re: id, room: uri, chats: chats.map(historyChat), more })
  }
  refuseUnsettled(session, id)
}

/** A chat as history and search show it. */
export function historyChat(chat: Chat): HistoryChat {
  return {
    chat: chat.chatId,
    at: chat.postedAt,
    from: chat.author,
    text: chat.text,
    ...(chat.alert ? { alert: true as const } : {}),
    ...(chat.title === undefined ? {} : { title: chat.title }),
    ...(chat.state === 'replaced' ? { replaced: true as const } : {}),
    ...(chat.imported ? { imported: chat.imported } : {}),
  }
}

/** The first of the chats that fit in a page: at least one. */
export function fitting<C extends Chat>(chats: readonly C[]): readonly C[] {
  let characters = 0
  let count = 0
  for (const chat of chats) {
    characters += chat.text.length
    if (count > 0 && characters > PAGE_CHARACTERS_MAX) break
    count += 1
  }
  return chats.slice(0, count)
}

function mayHaveMore(chats: readonly Chat[], { after }: { after: number | undefined }): boolean {
  return after !== undefined || (chats[0]?.chatId ?? 0) > 1
}
