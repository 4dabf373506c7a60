import type { AddRoomsReply, ChangeRoomReply, RoomDetail } from '@hansard/admin-contract'
import { DEFAULT_CATEGORY, type RoomChanges } from '@hansard/pool-commands'
import { loadRoomAccess } from '@hansard/pool-store'
import { roomNameProblem } from '@hansard/rooms'
import type { Call, Handle } from './call.ts'
import { behindManagersDoor, hiddenRoom } from './managed-rooms.ts'
import type { AdminApiParts } from './parts.ts'
import { AdminProblem } from './problems.ts'
import { settle } from './settle.ts'
import { roomDetail } from './show-rooms.ts'

/** Adds rooms that do not exist yet; a room that does gains the members named and stays as it is otherwise. */
export const addRooms: Handle<'addRooms'> = async ({ commands }, { actor, body }) => {
  // Each room is a change of its own: what can be seen to be wrong is refused before the first.
  for (const { name } of body.rooms) {
    const problem = roomNameProblem(name)
    if (problem) throw new AdminProblem('malformed', `${JSON.stringify(name)}: ${problem}`)
  }
  const rooms: AddRoomsReply['rooms'] = []
  for (const { name, privacy, category = DEFAULT_CATEGORY, members } of body.rooms) {
    const made = await settle(commands.createRoom(actor, { name, privacy, category, members, ifAbsent: true }))
    rooms.push({ name: made.name, uri: made.uri, created: made.created })
  }
  return { rooms }
}

export const createRoom: Handle<'createRoom'> = async (parts, { actor, body }) => {
  const { uri } = await settle(parts.commands.createRoom(actor, body))
  return roomAt(parts, uri)
}

export const changeRoom: Handle<'changeRoom'> = (parts, call) => {
  const { members, managers, presenters, ...properties } = call.body
  const named = [members, managers, presenters].some((change) => change !== undefined)
  return withDropped(parts, call, { ...properties, roles: named ? { members, managers, presenters } : undefined })
}

export const changeRoomRoles: Handle<'changeRoomRoles'> = (parts, call) =>
  withDropped(parts, call, { roles: call.body })

export const moveRoom: Handle<'moveRoom'> = (parts, call) => withDropped(parts, call, { category: call.body.category })

export const disableRoom: Handle<'disableRoom'> = (parts, call) =>
  changed(parts, call, (room) => parts.commands.disableRoom(call.actor, { room }))

export const enableRoom: Handle<'enableRoom'> = (parts, call) =>
  changed(parts, call, (room) => parts.commands.enableRoom(call.actor, { room }))

export const deleteRoom: Handle<'deleteRoom'> = async (parts, call) => {
  const room = call.path['room']!
  await behindManagersDoor(parts, call, room)
  const { uri } = await settle(parts.commands.deleteRoom(call.actor, { room }))
  return { removed: uri }
}

async function withDropped(parts: AdminApiParts, call: Call, changes: RoomChanges): Promise<ChangeRoomReply> {
  const room = call.path['room']!
  await behindManagersDoor(parts, call, room)
  const { uri, dropped, droppedFrom } = await settle(parts.commands.changeRoom(call.actor, { room, ...changes }))
  return { ...(await roomAt(parts, uri)), dropped, droppedFrom, dryRun: changes.dryRun ?? false }
}

async function changed(
  parts: AdminApiParts,
  call: Call,
  change: (room: string) => Parameters<typeof settle<{ uri: string }>>[0],
): Promise<RoomDetail> {
  const room = call.path['room']!
  await behindManagersDoor(parts, call, room)
  const { uri } = await settle(change(room))
  return roomAt(parts, uri)
}

/** The room as it is after the change; whoever made it may see that, also when it was the last thing this person may. */
async function roomAt(parts: AdminApiParts, uri: string): Promise<RoomDetail> {
  const access = await loadRoomAccess(parts.poolDb, { uri })
  if (!access) throw hiddenRoom()
  return roomDetail(parts, access)
}
