import { type ClientMessageOf, chatFrame } from '@hansard/wire'
import { refuseUnrecorded } from './refusals.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/**
 * Posts a chat.
 *
 * Nobody is told anything before the chat and its compliance event are durable: neither the author, who gets
 * `posted`, nor the room, which gets the chat. A post repeated under the same name is answered like the first time
 * and handed out to nobody again.
 */
export function postChat(
  { writer, config, handout }: Pick<ChannelServiceParts, 'writer' | 'config' | 'handout'>,
  session: Session,
  { id, room, post, text, again = false }: ClientMessageOf<'post'>,
): void {
  const hub = session.memberships.get(room)?.hub
  if (!hub) return session.refuse(id, 'not-joined', 'Join the room before you post to it.')
  const { chatBytesMax, postsInFlightMax } = config.limits
  // A byte is at most a UTF-16 unit's third: most chats need no counting.
  if (text.length * 3 > chatBytesMax && Buffer.byteLength(text) > chatBytesMax) {
    return session.refuse(
      id,
      'too-long',
      `A chat may have ${chatBytesMax} bytes; this one has ${Buffer.byteLength(text)}.`,
    )
  }
  if (session.postsInFlight >= postsInFlightMax) {
    return session.refuse(id, 'too-fast', `At most ${postsInFlightMax} posts of a session may wait for their answer.`)
  }

  session.postsInFlight += 1
  const principal = session.principal!
  writer.record({ kind: 'chat', roomId: hub.id, principal, post, text, again }, (outcome) => {
    session.postsInFlight -= 1
    if (outcome instanceof Error) return refuseUnrecorded(session, id, outcome)
    if (outcome.kind !== 'chat') return session.refuse(id, 'no-such-room', 'The room was deleted in this moment.')
    const { chatId, at, repeated } = outcome
    session.send({ t: 'posted', re: id, chat: chatId, at })
    if (repeated) return
    handout.chat(hub, chatId, chatFrame({ room: hub.uri, chat: chatId, at, from: principal, text }))
  })
}
