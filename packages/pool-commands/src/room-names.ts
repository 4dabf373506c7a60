import { identitiesOf, NO_ID, type RoomAsker, type RoomKey, roomNameTaken, roomsNamed } from '@hansard/pool-store'
import { isKeepable, quoted, roomNameProblem } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { type CommandActor, isAdministrator } from './context.ts'
import { ChangeRefused } from './result.ts'

/** Administrators may know all rooms; everybody else those they may see, and disabled ones whose members they are. */
async function askerFor(tx: Knex.Transaction, by: CommandActor): Promise<RoomAsker> {
  if (isAdministrator(by)) return { identities: [], among: 'all', seesRoles: true }
  return { identities: [...(await identitiesOf(tx, by.id))], among: 'known', seesRoles: false }
}

/**
 * What identifies the room that somebody named by its URI, its name or `CATEGORY/NAME`. A name that means no room in
 * sight gets a key that no room has, so that the work after it is the same as for a hidden room.
 */
export async function roomKeyOf(tx: Knex.Transaction, room: string, by: CommandActor): Promise<RoomKey> {
  if (room.startsWith('ma-chan:')) return { uri: room }
  const [found, ...others] = await roomsNamed(tx, room, await askerFor(tx, by))
  if (found && others.length > 0) throw new ChangeRefused('ambiguous-name', severalRooms(room, [found, ...others]))
  return { id: found?.id ?? NO_ID }
}

/** What is said of a name that several rooms have: which they are, and how to say which is meant. */
export function severalRooms(
  name: string,
  rooms: readonly { readonly uri: string; readonly name: string; readonly category?: string | undefined }[],
): string {
  const shown = rooms.map((room) =>
    room.category === undefined ? room.uri : `${quoted(`${room.category}/${room.name}`)} (${room.uri})`,
  )
  const how = rooms.some(({ category }) => category !== undefined) ? 'URI, or as CATEGORY/NAME' : 'URI'
  return `Several rooms are called ${quoted(name)}: ${shown.join(', ')}. Name the room by its ${how}.`
}

/**
 * A name that no room has that `by` may know of. A hidden room of that name does not count: a refusal would tell that
 * it is there. Several rooms may therefore have one name (docs/decisions/2611-names-tell-nothing.md).
 */
export async function requireFreeRoomName(tx: Knex.Transaction, name: string, by: CommandActor): Promise<void> {
  const problem = roomNameProblem(name)
  if (problem) throw new ChangeRefused('invalid', problem)
  if (await roomNameTaken(tx, name, await askerFor(tx, by))) {
    throw new ChangeRefused('duplicate-name', `There is a room ${quoted(name)} already.`)
  }
}

/** A name that no category has. Only administrators name categories, and they may know them all. */
export async function requireFreeCategoryName(tx: Knex.Transaction, name: string): Promise<void> {
  const problem = roomNameProblem(name)
  if (problem) throw new ChangeRefused('invalid', problem)
  if (isKeepable(name) && (await tx('category').where({ name }).first('id'))) {
    throw new ChangeRefused('duplicate-name', `There is a category ${quoted(name)} already.`)
  }
}
