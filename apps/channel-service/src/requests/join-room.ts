import { type Outcome, type Principal, type RecordError, standingIn } from '@hansard/pool-store'
import type { Standing } from '@hansard/rooms'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import type { RoomHub } from '../rooms/room-hub.ts'
import { refuseByRule, refuseUnrecorded, refuseUnsettled } from './refusals.ts'
import { decideInRoom, type MemberAccess } from './room-access.ts'

type Deps = Pick<ChannelServiceDeps, 'db' | 'writer' | 'rooms' | 'configuration' | 'recordPart'>

/** So often the room's rights may change while one join is being decided on. */
const TRIES_MAX = 4

/**
 * Brings a session into a room.
 *
 * The join is on record before the client is told. It is told the room's newest chat as of that moment; with `after` it
 * then receives everything since, in order, before live talk, and that look is on record with the join. There is no
 * moment in between in which a chat could be missed: chats committed before the join are caught up with, chats
 * committed after it are handed out live. In a room that keeps no history only those are caught up who were there a
 * moment ago; what anybody is not given they are told is gone.
 */
export async function joinRoom(
  deps: Deps,
  session: Session,
  message: ClientMessageOf<'join'>,
  tries = TRIES_MAX,
): Promise<void> {
  const { rooms, configuration } = deps
  const { id, room: uri } = message
  // Who asks for a room it is in may have been put out of it without having heard.
  const fresh = tries < TRIES_MAX || session.memberships.has(uri)
  const decided = await decideInRoom(deps, session, { uri, operation: 'join', fresh })
  if (session.closed || session.closing) return
  if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
  const { room } = decided.memberAccess.access
  if (session.memberships.has(uri) || session.joining.has(room.id)) {
    return session.refuse(id, 'already-joined', `This session is in ${room.name} already.`)
  }
  if (session.parting.has(room.id)) {
    // Recorded the other way round, the record would say that somebody left who is there.
    return session.refuse(
      id,
      'try-again',
      `Your departure from ${room.name} is still being recorded. Repeat it in a moment.`,
    )
  }
  const { roomsPerSessionMax } = configuration.limits
  if (session.memberships.size + session.joining.size >= roomsPerSessionMax) {
    return session.refuse(id, 'too-many-rooms', `One session may be in ${roomsPerSessionMax} rooms.`)
  }

  session.joining.add(room.id)
  let result: Joined
  try {
    const hub = await rooms.enter(room.id)
    if (!hub) return refuseByRule(session, id, 'no-such-room')
    result = await recordJoin(deps, session, message, { hub, ...decided.memberAccess }).finally(() => {
      hub.entering -= 1
      rooms.leave(hub)
    })
  } finally {
    session.joining.delete(room.id)
  }
  if (result !== 'rights-changed') return
  if (tries === 0) return refuseUnsettled(session, id)
  return joinRoom(deps, session, message, tries - 1)
}

type Joined = 'answered' | 'rights-changed'

function recordJoin(
  deps: Deps,
  session: Session,
  { id, room: uri, after, brief }: ClientMessageOf<'join'>,
  { hub, access, standing: decidedBy }: MemberAccess & { hub: RoomHub },
): Promise<Joined> {
  const { writer, rooms, recordPart } = deps
  const principal = session.principal!
  const { rights } = access.room
  // Until it is on record the session comes in here no more: a departure after the next join would be that one's.
  const takeOut = (reason: 'disconnected' | 'removed') => {
    session.parting.add(hub.id)
    recordPart({ kind: 'part', roomId: hub.id, principal, session: session.id, reason }, () =>
      session.parting.delete(hub.id),
    )
  }

  return new Promise((resolve, reject) => {
    const fact = {
      kind: 'join' as const,
      roomId: hub.id,
      principal,
      session: session.id,
      rights,
      ...(after === undefined ? {} : { after }),
      ...(access.rules.category.chatHistory ? {} : { unlogged: true }),
    }
    const answer = (outcome: Outcome | RecordError) => {
      if (outcome instanceof Error) {
        // It may be on record all the same: a session that has ended is taken out again, one that lives may repeat it.
        if (session.closed) takeOut('disconnected')
        else session.uncertain.add(hub.id)
        refuseUnrecorded(session, id, outcome)
        return resolve('answered')
      }
      if (outcome.kind === 'rights-changed') return resolve('rights-changed')
      if (outcome.kind !== 'join') {
        refuseByRule(session, id, 'no-such-room')
        return resolve('answered')
      }
      session.uncertain.delete(hub.id)

      const { from, lastChatId, repeated } = outcome
      const comeIn = (standing: Standing) => {
        if (!repeated) rooms.presence(hub, { joined: true, who: principal, rights: outcome.rights })
        session.send({
          t: 'joined',
          re: id,
          room: hub.uri,
          name: hub.name,
          last: lastChatId,
          participants: hub.participants,
          topic: hub.access.room.topic,
          type: hub.access.room.type,
          mayPost: hub.decide('post', standing).allowed,
          addIn: hub.addIn,
          ...(brief ? { ref: hub.ref } : {}),
        })
        session.joining.delete(hub.id)
        session.memberships.set(
          uri,
          hub.admit(session, { has: after ?? from, at: from, standing, brief: brief === true }),
        )
        hub.catchUpTo(lastChatId)
        resolve('answered')
      }
      const settle = (standing: Standing | undefined) => {
        if (session.closed) {
          // The connection ended while the join was being recorded: what has come in has to go out.
          takeOut('disconnected')
          return resolve('answered')
        }
        const decision = standing && hub.decide('join', standing)
        if (standing && decision?.allowed) return comeIn(standing)
        takeOut('removed')
        refuseByRule(session, id, decision && !decision.allowed ? decision.reason : 'no-such-room')
        resolve('answered')
      }

      // In most cases at once: chats that follow in this batch are delivered to those who have joined.
      if (hub.rights === rights && !hub.deleted) return settle(decidedBy)
      standingUnderHub(deps, hub, principal).then(settle, (error: unknown) => {
        takeOut(session.closed ? 'disconnected' : 'removed')
        reject(error)
      })
    }
    writer.record(fact).then(answer).catch(reject)
  })
}

/** How somebody stands to the room as the hub knows it when this resolves; undefined when it is deleted. */
async function standingUnderHub(
  { db }: Pick<ChannelServiceDeps, 'db'>,
  hub: RoomHub,
  who: Principal,
): Promise<Standing | undefined> {
  while (!hub.deleted) {
    const { access } = hub
    const standing = await standingIn(db, access, who)
    if (hub.access === access) return standing
  }
  return undefined
}
