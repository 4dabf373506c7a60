import { type ClientMessageOf, chatFrame } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { refuseByRule, refuseUnreachable, refuseUnrecorded, refuseUnsettled } from './refusals.ts'

type Deps = Pick<ChannelServiceDeps, 'writer' | 'rooms' | 'configuration' | 'delivery'>

/** So often the room's rights may change while one chat is being decided on. */
const TRIES_MAX = 4

/**
 * Posts a chat.
 *
 * Nobody is told anything before the chat and its compliance event are durable: neither the author, who gets
 * `posted`, nor the room, which gets the chat. A post repeated under the same name is answered like the first time
 * and handed out to nobody again. It is decided by what the hub knows, without asking the database; when that was out of
 * date nothing is recorded, and it is decided again.
 */
export function postChat(deps: Deps, session: Session, message: ClientMessageOf<'post'>): void {
  const { id, room, text, title } = message
  if (!session.memberships.has(room)) return session.refuse(id, 'not-joined', 'Join the room before you post to it.')
  const { chatBytesMax, storyBytesMax, postsInFlightMax } = deps.configuration.limits
  const bytesMax = title === undefined ? chatBytesMax : storyBytesMax
  // A UTF-16 unit is at most three bytes: most chats need no counting.
  if (text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax) {
    const what = title === undefined ? 'A chat' : 'A story'
    return session.refuse(
      id,
      'too-long',
      `${what} may have ${bytesMax} bytes; this one has ${Buffer.byteLength(text)}.`,
    )
  }
  if (session.postsInFlight >= postsInFlightMax) {
    return session.refuse(id, 'too-fast', `At most ${postsInFlightMax} posts of a session may wait for their answer.`)
  }
  session.postsInFlight += 1
  tryPost(deps, session, message, TRIES_MAX)
}

function tryPost(deps: Deps, session: Session, message: ClientMessageOf<'post'>, tries: number): void {
  const { writer, rooms, delivery } = deps
  const { id, room, post, text, again = false, alert, title } = message
  const end = () => {
    session.postsInFlight -= 1
  }
  const member = session.memberships.get(room)
  if (!member) {
    end()
    return session.refuse(id, 'not-joined', 'You are not in this room any more.')
  }
  const hub = rooms.find({ uri: room })!
  const decision = hub.decide('post', member.standing)
  if (!decision.allowed) {
    const decideOnceMore = () => {
      const { rights } = hub
      hub.confirmRights().then(
        () => {
          if (hub.rights > rights) return tryPost(deps, session, message, tries - 1)
          end()
          refuseByRule(session, id, decision.reason)
        },
        () => {
          end()
          refuseUnreachable(session, id)
        },
      )
    }
    if (tries > 0) return decideOnceMore()
    end()
    return refuseUnsettled(session, id)
  }
  const principal = session.principal!
  const fact = {
    kind: 'chat' as const,
    roomId: hub.id,
    principal,
    post,
    text,
    again,
    rights: hub.rights,
    ...(alert ? { alert } : {}),
    ...(title === undefined ? {} : { title }),
    ...(hub.access.rules.category.chatHistory ? {} : { unlogged: true }),
  }
  writer.record(fact, (outcome) => {
    if (!(outcome instanceof Error) && outcome.kind === 'rights-changed' && tries > 0) {
      const repeat = () => tryPost(deps, session, message, tries - 1)
      if (hub.rights >= outcome.rights) return repeat()
      hub.reach(outcome.rights).then(repeat, () => {
        end()
        refuseUnreachable(session, id)
      })
      return
    }
    end()
    if (outcome instanceof Error) return refuseUnrecorded(session, id, outcome)
    if (outcome.kind === 'rights-changed') return refuseUnsettled(session, id)
    if (outcome.kind !== 'chat') return refuseByRule(session, id, 'no-such-room')
    const { chatId, at, repeated } = outcome
    session.send({ t: 'posted', re: id, chat: chatId, at })
    if (repeated) return
    const frame = chatFrame({ room: hub.uri, chat: chatId, at, from: principal, text, alert, title })
    delivery.chat(hub, { id: chatId, frame, rights: fact.rights })
  })
}
