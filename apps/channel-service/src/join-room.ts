import { findRoom, isMember } from '@hansard/pool-store'
import { mayJoin } from '@hansard/rooms'
import type { ClientMessageOf } from '@hansard/wire'
import { refuseUnrecorded } from './refusals.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/**
 * Brings a session into a room.
 *
 * The join is on record before the client is told. It is told the room's newest chat as of that moment; with `after`
 * it then receives everything since, in order, before live talk. There is no moment in between in which a chat could
 * be missed: chats committed before the join are caught up with, chats committed after it are handed out live.
 */
export async function joinRoom(
  {
    db,
    writer,
    rooms,
    config,
    recordPart,
  }: Pick<ChannelServiceParts, 'db' | 'writer' | 'rooms' | 'config' | 'recordPart'>,
  session: Session,
  { id, room: uri, after }: ClientMessageOf<'join'>,
): Promise<void> {
  const principal = session.principal!
  const room = await findRoom(db, { uri })
  if (!room) return session.refuse(id, 'no-such-room', 'There is no such room, or it is not open to you.')
  const member = room.privacy === 'open' || (await isMember(db, { roomId: room.id, principalId: principal.id }))
  const decision = mayJoin(room, member)
  if (!decision.allowed) {
    // A room one may not see must not be told apart from one that does not exist.
    return session.refuse(id, 'no-such-room', 'There is no such room, or it is not open to you.')
  }
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
  if (session.memberships.size + session.joining.size >= config.limits.roomsPerSessionMax) {
    return session.refuse(id, 'too-many-rooms', `One session may be in ${config.limits.roomsPerSessionMax} rooms.`)
  }

  session.joining.add(room.id)
  const hub = await rooms.enter(room).catch((error: unknown) => {
    session.joining.delete(room.id)
    throw error
  })
  writer.record({ kind: 'join', roomId: room.id, principal, session: session.id }, (outcome) => {
    hub.entering -= 1
    session.joining.delete(room.id)
    if (outcome instanceof Error) {
      rooms.leave(hub)
      // It may be on record all the same: a session that has ended is taken out again, one that lives may repeat it.
      if (session.closed)
        recordPart({ kind: 'part', roomId: room.id, principal, session: session.id, reason: 'disconnected' })
      else session.uncertain.add(room.id)
      return refuseUnrecorded(session, id, outcome)
    }
    if (outcome.kind !== 'join') {
      rooms.leave(hub)
      return session.refuse(id, 'no-such-room', 'The room was deleted in this moment.')
    }
    session.uncertain.delete(room.id)
    if (session.closed) {
      // The connection ended while the join was being recorded: what has come in has to go out.
      rooms.leave(hub)
      return recordPart({ kind: 'part', roomId: room.id, principal, session: session.id, reason: 'disconnected' })
    }
    if (!outcome.repeated) rooms.presence(hub, true, principal)
    session.send({
      t: 'joined',
      re: id,
      room: hub.uri,
      name: hub.name,
      last: outcome.lastChatId,
      participants: hub.participants,
    })
    // Somebody who claims to have chats that do not exist yet has them when they do.
    const at = after === undefined ? outcome.lastChatId : Math.min(after, outcome.lastChatId)
    session.memberships.set(uri, hub.admit(session, at))
    hub.catchUpTo(outcome.lastChatId)
  })
}
