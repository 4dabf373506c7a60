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
 * Access for callers who hold no role in the pool and manage rooms.
 *
 * The commands decide who may do what. This module only ensures that a caller who does not manage a room gets the
 * same answer, after the same work, whether the room is secret, walled off, open to all, or does not exist.
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

/** The refusal for a room that the caller may not see, or that does not exist. It repeats no name. */
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

/** Looks up rooms for callers who may see and manage them. */
export function managerOf(identities: readonly number[]): RoomAsker {
  return { identities, among: 'seen', seesRoles: false, holding: ['manager'] }
}

/** A caller manages rooms if it manages at least one that it can see. */
export async function managesSome({ poolDb }: Pick<AdminApiDeps, 'poolDb'>, own: number[]): Promise<boolean> {
  return (await listRooms(poolDb, { limit: 1, asker: managerOf(own) })).length > 0
}

/** Refuses callers who manage no room and may create none, instead of showing them an empty list. */
export async function requireManager(
  deps: Pick<AdminApiDeps, 'poolDb'>,
  { actor }: Pick<Call, 'actor'>,
): Promise<number[]> {
  const own = [...(await identitiesOf(deps.poolDb, actor.id))]
  const creatable = await creatableCategories(deps.poolDb, { identities: own })
  if (creatable.length === 0 && !(await managesSome(deps, own))) throw notAllowed(['administrator', 'auditor'])
  return own
}
