import {
  creatableCategories,
  identitiesOf,
  listRooms,
  loadRoomAccess,
  type Principal,
  type RoomAccess,
  standingIn,
} from '@hansard/pool-store'
import { type Call, notAllowed } from './call.ts'
import { noSuch, roomBy } from './name-things.ts'
import type { AdminApiParts } from './parts.ts'
import { AdminProblem } from './problems.ts'

/**
 * The door for people who hold no role in the pool and manage rooms.
 *
 * Whether one may do something is decided where it is done. This only sees to it that somebody who does not manage a
 * room is told one and the same thing of rooms that are secret, walled off, open to all, and not there.
 */
export async function behindManagersDoor(
  { poolDb }: Pick<AdminApiParts, 'poolDb'>,
  { actor, byRole }: Pick<Call, 'actor' | 'byRole'>,
  room: string,
): Promise<void> {
  if (byRole) return
  const access = await loadRoomAccess(poolDb, roomBy(room))
  if (!access || !(await manages(poolDb, actor, access))) throw hiddenRoom()
}

/** What is said of a room that somebody may not know of, or that is not there. It repeats nothing. */
export function hiddenRoom(): AdminProblem {
  return new AdminProblem('no-such-room', 'There is no such room.')
}

export async function getRoomAccess(
  { poolDb }: Pick<AdminApiParts, 'poolDb'>,
  { actor, byRole }: Pick<Call, 'actor' | 'byRole'>,
  room: string,
): Promise<RoomAccess> {
  const access = await loadRoomAccess(poolDb, roomBy(room))
  if (!byRole && (!access || !(await manages(poolDb, actor, access)))) throw hiddenRoom()
  if (!access) throw noSuch('no-such-room', 'room', room)
  return access
}

export async function identities({ poolDb }: Pick<AdminApiParts, 'poolDb'>, actor: Principal): Promise<number[]> {
  return [...(await identitiesOf(poolDb, actor.id))]
}

/** Rooms are managed by whoever manages one that they can see. */
export async function managesSome({ poolDb }: Pick<AdminApiParts, 'poolDb'>, own: number[]): Promise<boolean> {
  const viewer = { limit: 1, visibleTo: { identities: own }, filter: { managedBy: own } }
  return (await listRooms(poolDb, viewer)).length > 0
}

/** Whoever manages no room and may make none has no business here, and is told so rather than shown an empty list. */
export async function requireManager(parts: Pick<AdminApiParts, 'poolDb'>, { actor }: Pick<Call, 'actor'>) {
  const own = await identities(parts, actor)
  const creatable = await creatableCategories(parts.poolDb, { identities: own })
  if (creatable.length === 0 && !(await managesSome(parts, own))) throw notAllowed(['administrator', 'auditor'])
  return own
}

async function manages(db: AdminApiParts['poolDb'], actor: Principal, access: RoomAccess): Promise<boolean> {
  const standing = await standingIn(db, access, actor)
  return standing.inScope && standing.roles.has('manager')
}
