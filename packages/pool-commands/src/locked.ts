import { decideFor, loadScope, type RoomAccess, type RoomKey, standInCategory } from '@hansard/pool-store'
import { isKeepable, mayCreateRoom, quoted, type RoomOperation, type Scope, textProblem } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { type CommandActor, isAdministrator, type Subject } from './context.ts'
import { BATCH } from './named-principals.ts'
import { ChangeRefused, refuse } from './result.ts'
import { roomKeyOf } from './room-names.ts'

/** A room by its URI, its name or `CATEGORY/NAME`. */
export type RoomName = { readonly room: string }

/** A locked room in its current state, without its lists, which may be long. */
export type LockedRoom = Pick<RoomAccess, 'room' | 'rules'> & { readonly subject: Subject }

/**
 * Locks a room and decides whether the actor may do something to it. Changes of one room wait for each other here,
 * and for the commits of its chats.
 *
 * A caller without the right takes no lock: waiting for one would reveal a hidden room, and holding one could delay
 * its participants. The decision is therefore made before the lock, and again under it for those who may.
 */
export async function lockRoom(
  tx: Knex.Transaction,
  { room }: RoomName,
  by: CommandActor,
  operation: RoomOperation,
): Promise<LockedRoom> {
  if (!isKeepable(room)) throw refuse('no-such-room')
  const { id } = (await mustMay(tx, operation, await roomKeyOf(tx, room, by), by)).room
  await tx('room').where({ id }).forUpdate().first('id')
  const access = await mustMay(tx, operation, { id }, by)
  const { uri, name } = access.room
  return { room: access.room, rules: access.rules, subject: { type: 'room', uri, name } }
}

async function mustMay(
  tx: Knex.Transaction,
  operation: RoomOperation,
  room: RoomKey,
  { id, roles = [] }: CommandActor,
): Promise<RoomAccess> {
  const { decision, access } = await decideFor(tx, operation, room, { id, roles })
  if (!decision.allowed) throw refuse(decision.reason)
  if (!access) throw refuse('no-such-room')
  return access
}

/** Locks rooms by ascending id, as all code that locks several does. Room rows may be changed only after it. */
export async function lockRooms(tx: Knex.Transaction, ids: readonly number[]): Promise<void> {
  const wanted = [...new Set(ids)].sort((a, b) => a - b)
  for (let from = 0; from < wanted.length; from += BATCH) {
    await tx('room')
      .whereIn('id', wanted.slice(from, from + BATCH))
      .orderBy('id')
      .forUpdate()
      .select('id')
  }
}

export type LockedCategory = {
  readonly id: number
  readonly uri: string
  readonly name: string
  readonly description: string
  readonly invitations: boolean
  readonly fileUpload: boolean
  readonly chatHistory: boolean
  readonly scope: Scope
}

/** Locks a category by its name or URI. */
export async function lockCategory(tx: Knex.Transaction, name: string): Promise<LockedCategory> {
  const notFound = () => new ChangeRefused('no-such-category', `There is no category ${quoted(name)}.`)
  if (!isKeepable(name)) throw notFound()
  const row:
    | {
        id: number
        uri: string
        name: string
        description: string
        invitations: unknown
        file_upload: unknown
        chat_history: unknown
      }
    | undefined = await tx('category').where(categoryBy(name)).forUpdate().first()
  if (!row) throw notFound()
  return {
    id: row.id,
    uri: row.uri,
    name: row.name,
    description: row.description,
    invitations: Boolean(row.invitations),
    fileUpload: Boolean(row.file_upload),
    chatHistory: Boolean(row.chat_history),
    scope: await loadScope(tx, row.id),
  }
}

/**
 * Locks the category in which the actor wants to create a room, or to which they move one. A caller who may not
 * create rooms there gets the same reply as for a category that does not exist, and locks neither, so the existence
 * of categories is not revealed.
 */
export async function lockCategoryForRooms(
  tx: Knex.Transaction,
  name: string,
  by: CommandActor,
): Promise<LockedCategory> {
  if (isAdministrator(by)) return lockCategory(tx, name)
  if (!isKeepable(name)) throw refuse('not-a-creator')
  const { standing, categoryId } = await standInCategory(tx, categoryBy(name), { id: by.id, roles: [] })
  if (categoryId === undefined || !mayCreateRoom(standing).allowed) throw refuse('not-a-creator')
  // Nobody has changed its lists since: such changes wait for this one.
  return lockCategory(tx, name)
}

function categoryBy(name: string): { uri: string } | { name: string } {
  return /^ma-cat:/.test(name) ? { uri: name } : { name }
}

export function requireText(what: string, text: string | undefined, max: number): void {
  const problem = text === undefined ? undefined : textProblem(what, text, max)
  if (problem) throw new ChangeRefused('invalid', problem)
}
