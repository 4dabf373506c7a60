import type { ServerMessageOf } from '@hansard/wire'
import type { ChannelServiceDeps } from '../deps.ts'
import type { Evict } from '../rooms/judge-members.ts'
import { leaveRoom } from './part-room.ts'

/**
 * Removes a member from a room: it receives nothing of the room any more, and is notified once the removal is on
 * record.
 */
export function createEvict(deps: () => Pick<ChannelServiceDeps, 'rooms' | 'recordPart'>): Evict {
  return (session, hub, reason) => {
    const message: ServerMessageOf<'room-closed'> = { t: 'room-closed', room: hub.uri, reason }
    leaveRoom(deps(), session, hub.uri, 'removed', () => session.send(message))
  }
}
