import type { RoomDetail, RoomEntry } from '@hansard/admin-contract'
import {
  eligiblePrincipals as eligibleOf,
  identitiesOf,
  listRooms as listRoomsOfPool,
  namedPrincipals,
  type Room,
  type RoomAccess,
  type RoomAsker,
  roomCursor,
  standInCategory,
} from '@hansard/pool-store'
import { mayCreateRoom } from '@hansard/rooms'
import { type Call, type Handle, notAllowed } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { getRoomAccess, managerOf, managesSome } from './managed-rooms.ts'
import { categoryBy, noSuch, pageOf, principalIdOf, requireFilterNames } from './name-things.ts'
import { AdminProblem } from './problems.ts'

const MIB = 1_048_576

/** By filter; for callers without a role, among the rooms they manage. */
export const listRooms: Handle<'listRooms'> = async (deps, call) => {
  const { poolDb } = deps
  const { query } = call
  const own = call.byRole ? undefined : await ownIdentities(deps, call)
  // A caller with a role must not mistake a mistyped name for "none". Others get "none of yours" in both cases.
  if (call.byRole) {
    const { category, member, manager, joined, addIn } = query
    await requireFilterNames(poolDb, { category, principals: [member, manager, joined], addIn })
  }
  const ids = async (name: string | undefined) => (name === undefined ? undefined : [await principalIdOf(poolDb, name)])
  const found = await listRoomsOfPool(poolDb, {
    after: query.after,
    limit: query.limit + 1,
    asker: own ? managerOf(own) : await byRole(deps, call),
    filter: {
      category: query.category === undefined ? undefined : categoryBy(query.category),
      like:
        query.name === undefined
          ? undefined
          : { wildcard: query.name, inDescription: query.searchDescription ?? false },
      disabled: query.disabled,
      privacy: query.privacy,
      type: query.type,
      invitations: query.invitations,
      addIn: query.addIn,
      member: await ids(query.member),
      manager: await ids(query.manager),
      joined: query.joined === undefined ? undefined : await principalIdOf(poolDb, query.joined),
      contentAbove: query.chatContentExceedsMb === undefined ? undefined : query.chatContentExceedsMb * MIB,
    },
  })
  const [page, next] = pageOf(found, query.limit, roomCursor)
  return { rooms: page.map(roomEntry), next }
}

export const showRoom: Handle<'showRoom'> = async (deps, call) =>
  roomDetail(deps, await getRoomAccess(deps, call, call.path['room']!))

export async function roomDetail({ poolDb }: AdminApiDeps, { room, roles }: RoomAccess): Promise<RoomDetail> {
  return {
    ...roomEntry(room),
    members: await namedPrincipals(poolDb, roles.members),
    managers: await namedPrincipals(poolDb, roles.managers),
    presenters: await namedPrincipals(poolDb, roles.presenters),
  }
}

export const eligiblePrincipals: Handle<'eligiblePrincipals'> = async (deps, call) => {
  const { category, room, presenters = false, filter, resultSize } = call.query
  if ((category === undefined) === (room === undefined))
    throw new AdminProblem('malformed', 'Name a category or a room, and not both.')
  if (presenters && room === undefined) throw new AdminProblem('malformed', 'Only a room has presenters.')
  const where =
    room === undefined ? { categoryId: await categoryToMakeRoomsIn(deps, call, category!) } : await ofRoom(room)
  const found = await eligibleOf(deps.poolDb, { ...where, filter, limit: resultSize + 1 })
  return { principals: found.slice(0, resultSize), more: found.length > resultSize }

  async function ofRoom(name: string): Promise<{ categoryId: number; membersOf?: number }> {
    const access = await getRoomAccess(deps, call, name)
    if (presenters && access.room.type !== 'auditorium')
      throw new AdminProblem('invalid', 'The room is no auditorium, and has no presenters.')
    return { categoryId: access.room.categoryId, ...(presenters ? { membersOf: access.room.id } : {}) }
  }
}

/** Finds a category in which the caller may create rooms; otherwise gives the answer for one that does not exist. */
async function categoryToMakeRoomsIn(deps: AdminApiDeps, call: Call, name: string): Promise<number> {
  const { standing, categoryId } = await standInCategory(deps.poolDb, categoryBy(name), call.actor)
  if (call.byRole && categoryId === undefined) throw noSuch('no-such-category', 'category', name)
  if (categoryId !== undefined && (call.byRole || mayCreateRoom(standing).allowed)) return categoryId
  throw new AdminProblem('not-a-creator', 'You may not create rooms there.')
}

/** Refuses callers who manage no room, instead of showing them an empty list. */
async function ownIdentities(deps: AdminApiDeps, { actor }: Call): Promise<number[]> {
  const own = [...(await identitiesOf(deps.poolDb, actor.id))]
  if (!(await managesSome(deps, own))) throw notAllowed(['administrator', 'auditor'])
  return own
}

/** Sees every room, and rosters only of rooms that the caller may join. */
async function byRole(deps: AdminApiDeps, { actor }: Call): Promise<RoomAsker> {
  return { identities: [...(await identitiesOf(deps.poolDb, actor.id))], among: 'all', seesRoles: true }
}

function roomEntry(room: Room): RoomEntry {
  const { name, uri, description, topic, category, type, privacy, invitations, addIn, disabled, createdAt } = room
  return { name, uri, description, topic, category, type, privacy, invitations, addIn, disabled, createdAt }
}
