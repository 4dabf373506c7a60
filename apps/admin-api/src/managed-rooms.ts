import { severalRooms } from '@hansard/pool-commands'
import {
  creatableCategories,
  identitiesOf,
  listRooms,
  loadRoomAccess,
  NO_ID,
  type RoomAccess,
  type RoomAsker,
  type RoomKey,
  roomsNamed,
  standInRoom,
} from '@hansard/pool-store'
import { type Call, notAllowed } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { noSuch } from './name-things.ts'
import { AdminProblem } from './problems.ts'

type Deps = Pick<AdminApiDeps, 'poolDb'>
type Caller = Pick<Call, 'actor' | 'byRole'>

/**
 * Access for callers who hold no role in the pool and manage rooms. Returns what commands should call the room.
 *
 * The commands decide who may do what. This module only ensures that a caller who does not manage a room gets the
 * same answer, after the same work, whether the room is secret, walled off, open to all, or does not exist.
 */
export async function behindManagersDoor(deps: Deps, call: Caller, room: string): Promise<string> {
  if (call.byRole) return room
  const { access, standing } = await standInRoom(deps.poolDb, await roomKey(deps, call, room), call.actor)
  if (!access || !standing.inScope || !standing.roles.has('manager')) throw hiddenRoom()
  return access.room.uri
}

/**
 * The rooms that a text may mean to a caller: any, for callers with a role; those they manage, for everybody else. A
 * URI means itself, whether there is such a room or not.
 */
export async function roomsMeant(
  { poolDb }: Deps,
  { actor, byRole }: Caller,
  room: string,
): Promise<{ uri: string; name: string; category?: string | undefined }[]> {
  if (room.startsWith('ma-chan:')) return [{ uri: room, name: room }]
  const asker: RoomAsker = byRole
    ? { identities: [], among: 'all', seesRoles: true }
    : managerOf([...(await identitiesOf(poolDb, actor.id))])
  return roomsNamed(poolDb, room, asker)
}

async function roomKey(deps: Deps, call: Caller, room: string): Promise<RoomKey> {
  const meant = await roomsMeant(deps, call, room)
  if (meant.length > 1) throw new AdminProblem('ambiguous-name', severalRooms(room, meant))
  return meant[0] ? { uri: meant[0].uri } : { id: NO_ID }
}

/** What is said of a room that the caller may not know of, or that does not exist. It repeats nothing. */
export function hiddenRoom(): AdminProblem {
  return new AdminProblem('no-such-room', 'There is no such room.')
}

export async function getRoomAccess(deps: Deps, call: Caller, room: string): Promise<RoomAccess> {
  const named = await behindManagersDoor(deps, call, room)
  const access = await loadRoomAccess(deps.poolDb, await roomKey(deps, call, named))
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
