import { loadRoomAccess, type RoomAccess, standInRoom } from '@hansard/pool-store'
import type { Call } from './call.ts'
import { noSuch, roomBy } from './name-things.ts'
import type { AdminApiParts } from './parts.ts'
import { AdminProblem } from './problems.ts'

/**
 * The door for people who hold no role in the pool and manage rooms.
 *
 * Whether one may do something is decided where it is done. This only sees to it that somebody who does not manage a
 * room is told one and the same thing of rooms that are secret, walled off, open to all, and not there, after the same
 * work.
 */
export async function behindManagersDoor(
  { poolDb }: Pick<AdminApiParts, 'poolDb'>,
  { actor, byRole }: Pick<Call, 'actor' | 'byRole'>,
  room: string,
): Promise<void> {
  if (byRole) return
  const { access, standing } = await standInRoom(poolDb, roomBy(room), actor)
  if (!access || !standing.inScope || !standing.roles.has('manager')) throw hiddenRoom()
}

/** What is said of a room that somebody may not know of, or that is not there. It repeats nothing. */
export function hiddenRoom(): AdminProblem {
  return new AdminProblem('no-such-room', 'There is no such room.')
}

export async function getRoomAccess(
  { poolDb }: Pick<AdminApiParts, 'poolDb'>,
  call: Pick<Call, 'actor' | 'byRole'>,
  room: string,
): Promise<RoomAccess> {
  await behindManagersDoor({ poolDb }, call, room)
  const access = await loadRoomAccess(poolDb, roomBy(room))
  if (!access) throw call.byRole ? noSuch('no-such-room', 'room', room) : hiddenRoom()
  return access
}
