import type { ServerMessageOf } from '@hansard/wire'
import type { ChannelServiceDeps } from '../deps.ts'
import type { Evict } from '../rooms/judge-members.ts'
import { leaveRoom } from './part-room.ts'

/** Puts a member out of a room: the room writes nothing to it any more, and it is told once that is on record. */
export function createEvict(deps: () => Pick<ChannelServiceDeps, 'rooms' | 'recordPart'>): Evict {
  return (session, hub, reason) => {
    const message: ServerMessageOf<'room-closed'> = { t: 'room-closed', room: hub.uri, reason }
    leaveRoom(deps(), session, hub.uri, 'removed', () => session.send(message))
  }
}
