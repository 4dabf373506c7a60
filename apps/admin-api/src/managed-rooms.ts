import {
  creatableCategories,
  identitiesOf,
  listRooms,
  loadRoomAccess,
  type RoomAccess,
  type RoomAsker,
  standInRoom,
} from '@hansard/pool-store'
import { type Call, notAllowed } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { noSuch, roomBy } from './name-things.ts'
import { AdminProblem } from './problems.ts'

/**
 * The door for people who hold no role in the pool and manage rooms.
 *
 * Whether one may do something is decided where it is done. This only sees to it that somebody who does not manage a
 * room is told one and the same thing of rooms that are secret, walled off, open to all, and not there, after the same
 * work.
 */
export async function behindManagersDoor(
  { poolDb }: Pick<AdminApiDeps, 'poolDb'>,
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
  { poolDb }: Pick<AdminApiDeps, 'poolDb'>,
  call: Pick<Call, 'actor' | 'byRole'>,
  room: string,
): Promise<RoomAccess> {
  await behindManagersDoor({ poolDb }, call, room)
  const access = await loadRoomAccess(poolDb, roomBy(room))
  if (!access) throw call.byRole ? noSuch('no-such-room', 'room', room) : hiddenRoom()
  return access
}

/** Asks about the rooms of those who may see and manage them. */
export function managerOf(identities: readonly number[]): RoomAsker {
  return { identities, among: 'seen', seesRoles: false, holding: ['manager'] }
}

/** Rooms are managed by whoever manages one that they can see. */
export async function managesSome({ poolDb }: Pick<AdminApiDeps, 'poolDb'>, own: number[]): Promise<boolean> {
  return (await listRooms(poolDb, { limit: 1, asker: managerOf(own) })).length > 0
}

/** Whoever manages no room and may make none has no business here, and is told so rather than shown an empty list. */
export async function requireManager(
  deps: Pick<AdminApiDeps, 'poolDb'>,
  { actor }: Pick<Call, 'actor'>,
): Promise<number[]> {
  const own = [...(await identitiesOf(deps.poolDb, actor.id))]
  const creatable = await creatableCategories(deps.poolDb, { identities: own })
  if (creatable.length === 0 && !(await managesSome(deps, own))) throw notAllowed(['administrator', 'auditor'])
  return own
}
