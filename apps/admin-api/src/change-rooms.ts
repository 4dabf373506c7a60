import type { AddRoomsReply, ChangeRoomReply, RoomDetail } from '@hansard/admin-contract'
import { DEFAULT_CATEGORY, type RoomChanges } from '@hansard/pool-commands'
import { loadRoomAccess } from '@hansard/pool-store'
import { roomNameProblem } from '@hansard/rooms'
import type { Call, Handle } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { behindManagersDoor, hiddenRoom } from './managed-rooms.ts'
import { AdminProblem } from './problems.ts'
import { roomDetail } from './show-rooms.ts'
import { unwrap } from './unwrap.ts'

/** Adds rooms that do not exist yet; an existing room gains the given members and does not change otherwise. */
export const addRooms: Handle<'addRooms'> = async ({ commands }, { actor, body }) => {
  // Each room is a separate change: refuse detectable errors before the first one.
  for (const { name } of body.rooms) {
    const problem = roomNameProblem(name)
    if (problem) throw new AdminProblem('malformed', `${JSON.stringify(name)}: ${problem}`)
  }
  const rooms: AddRoomsReply['rooms'] = []
  for (const { name, privacy, category = DEFAULT_CATEGORY, members } of body.rooms) {
    const made = await unwrap(commands.createRoom(actor, { name, privacy, category, members, ifAbsent: true }))
    rooms.push({ name: made.name, uri: made.uri, created: made.created })
  }
  return { rooms }
}

export const createRoom: Handle<'createRoom'> = async (deps, { actor, body }) => {
  const { uri } = await unwrap(deps.commands.createRoom(actor, body))
  return roomAt(deps, uri)
}

export const changeRoom: Handle<'changeRoom'> = (deps, call) => {
  const { members, managers, presenters, ...properties } = call.body
  const named = [members, managers, presenters].some((change) => change !== undefined)
  return withDropped(deps, call, { ...properties, roles: named ? { members, managers, presenters } : undefined })
}

export const changeRoomRoles: Handle<'changeRoomRoles'> = (deps, call) => withDropped(deps, call, { roles: call.body })

export const moveRoom: Handle<'moveRoom'> = (deps, call) => withDropped(deps, call, { category: call.body.category })

export const disableRoom: Handle<'disableRoom'> = (deps, call) =>
  changed(deps, call, (room) => deps.commands.disableRoom(call.actor, { room }))

export const enableRoom: Handle<'enableRoom'> = (deps, call) =>
  changed(deps, call, (room) => deps.commands.enableRoom(call.actor, { room }))

export const deleteRoom: Handle<'deleteRoom'> = async (deps, call) => {
  const room = await behindManagersDoor(deps, call, call.path['room']!)
  const { uri } = await unwrap(deps.commands.deleteRoom(call.actor, { room }))
  return { removed: uri }
}

async function withDropped(deps: AdminApiDeps, call: Call, changes: RoomChanges): Promise<ChangeRoomReply> {
  const room = await behindManagersDoor(deps, call, call.path['room']!)
  const { uri, dropped, droppedFrom } = await unwrap(deps.commands.changeRoom(call.actor, { room, ...changes }))
  return { ...(await roomAt(deps, uri)), dropped, droppedFrom, dryRun: changes.dryRun ?? false }
}

async function changed(
  deps: AdminApiDeps,
  call: Call,
  change: (room: string) => Parameters<typeof unwrap<{ uri: string }>>[0],
): Promise<RoomDetail> {
  const room = await behindManagersDoor(deps, call, call.path['room']!)
  const { uri } = await unwrap(change(room))
  return roomAt(deps, uri)
}

/** The room after the change. The caller may see it even if the change took that right away. */
async function roomAt(deps: AdminApiDeps, uri: string): Promise<RoomDetail> {
  const access = await loadRoomAccess(deps.poolDb, { uri })
  if (!access) throw hiddenRoom()
  return roomDetail(deps, access)
}
