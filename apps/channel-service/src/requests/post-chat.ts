import { findRepeatedPost, type Outcome } from '@hansard/pool-store'
import { type ClientMessageOf, chatFrame } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { refuseByRule, refuseUnrecorded, refuseUnsettled } from './refusals.ts'

type Deps = Pick<ChannelServiceDeps, 'db' | 'writer' | 'rooms' | 'configuration' | 'delivery'>
type PostMessage = ClientMessageOf<'post'>

/** How often the room's rights may change while one chat is being decided. */
const TRIES_MAX = 4

/**
 * Posts a chat.
 *
 * Nothing is sent before the chat and its compliance event are durable: neither `posted` to the author nor the chat
 * to the room. A repeated post gets the same answer as the first and is not delivered again. The decision uses the
 * hub's state, without a query; if that was out of date nothing is recorded, and it is decided again.
 */
export async function postChat(deps: Deps, session: Session, message: PostMessage): Promise<void> {
  const { id } = message
  const { postsInFlightMax } = deps.configuration.limits
  if (session.postsInFlight >= postsInFlightMax) {
    return session.refuse(id, 'too-fast', `At most ${postsInFlightMax} posts of a session may wait for their answer.`)
  }
  session.postsInFlight += 1
  try {
    const refuse = await tryPost(deps, session, message)
    if (refuse) await refuseUnlessRecorded(deps, session, message, refuse)
  } finally {
    session.postsInFlight -= 1
  }
}

/** Posts, or returns the refusal. Rejects when the database is unreachable. */
async function tryPost(deps: Deps, session: Session, message: PostMessage): Promise<(() => void) | undefined> {
  const { writer, rooms } = deps
  const { id, room, post, text, again = false, alert, title } = message
  const tooLong = lengthProblem(deps, session, message)
  if (tooLong) return tooLong
  for (let tries = 0; tries <= TRIES_MAX; tries += 1) {
    const member = session.memberships.get(room)
    const hub = member && rooms.find({ uri: room })
    if (!hub) return () => session.refuse(id, 'not-joined', 'Join the room before you post to it.')
    const decision = hub.decide('post', member.standing)
    if (!decision.allowed) {
      const { rights } = hub
      await hub.confirmRights()
      if (hub.rights > rights) continue
      return () => refuseByRule(session, id, decision.reason)
    }
    const principal = session.principal!
    const { rights } = hub
    const unlogged = !hub.access.rules.category.chatHistory
    const outcome = await writer.record({
      kind: 'chat',
      roomId: hub.id,
      principal,
      post,
      text,
      again,
      rights,
      ...(alert ? { alert } : {}),
      ...(title === undefined ? {} : { title }),
      ...(unlogged ? { unlogged } : {}),
    })
    if (outcome instanceof Error) return () => refuseUnrecorded(session, id, outcome)
    if (outcome.kind === 'rights-changed') {
      await hub.reach(outcome.rights)
      continue
    }
    if (outcome.kind !== 'chat') {
      if (!answerRecorded(session, id, outcome)) refuseByRule(session, id, 'no-such-room')
      return undefined
    }
    // No further `await` after the commit: chats are delivered in the order of the record, before the batch is
    // flushed.
    answerRecorded(session, id, outcome)
    const { chatId, at, repeated } = outcome
    if (repeated) return undefined
    const frame = chatFrame({ room: hub.uri, chat: chatId, at, from: principal, text, alert, title })
    deps.delivery.chat(hub, { id: chatId, frame, rights })
    return undefined
  }
  return () => refuseUnsettled(session, id)
}

function lengthProblem(deps: Deps, session: Session, { id, text, title }: PostMessage): (() => void) | undefined {
  const { chatBytesMax, storyBytesMax } = deps.configuration.limits
  const bytesMax = title === undefined ? chatBytesMax : storyBytesMax
  // A UTF-16 unit is at most three bytes, so most chats need no counting.
  if (text.length * 3 <= bytesMax) return undefined
  const bytes = Buffer.byteLength(text)
  if (bytes <= bytesMax) return undefined
  const what = title === undefined ? 'A chat' : 'A story'
  return () => session.refuse(id, 'too-long', `${what} may have ${bytesMax} bytes; this one has ${bytes}.`)
}

/**
 * Refuses a post, unless the client says that it is a repeat and it is on record: then the author gets that answer,
 * even without the right to post any more.
 */
async function refuseUnlessRecorded(
  { db }: Deps,
  session: Session,
  { id, room, post, text, again, alert, title }: PostMessage,
  refuse: () => void,
): Promise<void> {
  if (!again) return refuse()
  const principal = session.principal!
  const recorded = await findRepeatedPost(db, {
    room,
    principal,
    post,
    text,
    ...(alert ? { alert } : {}),
    ...(title === undefined ? {} : { title }),
  })
  if (!recorded || !answerRecorded(session, id, recorded)) refuse()
}

/** Answers the author with what is on record under the post's name. False when the outcome says nothing about that. */
function answerRecorded(session: Session, id: number, outcome: Outcome): boolean {
  if (outcome.kind === 'chat') {
    session.send({ t: 'posted', re: id, chat: outcome.chatId, at: outcome.at })
    return true
  }
  if (outcome.kind !== 'post-name-used') return false
  session.refuse(
    id,
    'post-name-used',
    `You posted chat ${outcome.chatId} under this name, with another text. Post under a new name.`,
  )
  return true
}
