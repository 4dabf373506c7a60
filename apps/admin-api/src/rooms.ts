import type { AddRoomsReply, AddRoomsRequest, ListRoomsReply, PageQuery } from '@hansard/admin-contract'
import { addMembers, createRoom, listRooms as listRoomsOfPool, principalIds } from '@hansard/pool-store'
import { roomNameProblem } from '@hansard/rooms'
import { AdminProblem } from './problems.ts'
import type { AdminApiParts } from './service.ts'

/** Adds rooms that do not exist yet; a room that does gains the members named and stays as it is otherwise. */
export async function addRooms(
  { poolDb, clock, domain }: Pick<AdminApiParts, 'poolDb' | 'clock' | 'domain'>,
  { rooms }: AddRoomsRequest,
): Promise<AddRoomsReply> {
  for (const { name } of rooms) {
    const problem = roomNameProblem(name)
    if (problem) throw new AdminProblem('malformed', `${JSON.stringify(name)}: ${problem}`)
  }
  const accounts = [...new Set(rooms.flatMap((room) => room.members ?? []))]
  const ids = await principalIds(poolDb, accounts)
  const unknown = accounts.filter((account) => !ids.has(account))
  if (unknown.length > 0) {
    throw new AdminProblem(
      'not-found',
      `There is no account ${JSON.stringify(unknown[0])}.`,
      'Add it with `hansard users add` first.',
    )
  }
  const added: AddRoomsReply['rooms'] = []
  for (const { name, privacy, members = [] } of rooms) {
    const { room, created } = await createRoom(poolDb, { name, privacy: privacy ?? 'open', domain, now: clock.now() })
    await addMembers(poolDb, { roomId: room.id, principalIds: members.map((account) => ids.get(account)!) })
    added.push({ name: room.name, uri: room.uri, created })
  }
  return { rooms: added }
}

export async function listRooms(
  { poolDb }: Pick<AdminApiParts, 'poolDb'>,
  { after, limit }: PageQuery,
): Promise<ListRoomsReply> {
  const found = await listRoomsOfPool(poolDb, { after, limit: limit + 1 })
  const page = found.slice(0, limit)
  return {
    rooms: page.map(({ name, uri, privacy, disabled }) => ({ name, uri, privacy, disabled })),
    next: found.length > limit ? page.at(-1)!.name : null,
  }
}
