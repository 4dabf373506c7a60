import type { ServerMessageOf } from '@hansard/wire'
import type { ClosedReason, Evict } from './judge-members.ts'
import { leaveRoom } from './part-room.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Puts a member out of a room: no word of it reaches the session any more, and it is told once that is on record. */
export function createEvict(parts: () => Pick<ChannelServiceParts, 'rooms' | 'recordPart'>): Evict {
  return ({ session, hub }, reason: ClosedReason) => {
    const message: ServerMessageOf<'room-closed'> = { t: 'room-closed', room: hub.uri, reason }
    leaveRoom(parts(), session, hub.uri, 'removed', () => session.send(message))
  }
}
