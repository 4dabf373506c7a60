import { decideFor, identitiesOf, loadScope, type RoomAccess } from '@hansard/pool-store'
import { isKeepable, quoted, type RoomOperation, type Scope, standingOf, textProblem } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { isAdministrator, type Maker, type Subject } from './context.ts'
import { BATCH } from './named-principals.ts'
import { ChangeRefused, refuse } from './result.ts'

/** A room by its URI or, for doors that take one, its name. */
export type RoomName = { readonly room: string }

/** A room under lock, as it is. Of its lists, nothing: they may be long. */
export type LockedRoom = Pick<RoomAccess, 'room' | 'rules'> & { readonly subject: Subject }

/**
 * Locks a room and decides whether somebody may do something to it. Changes of one room wait for each other here, and
 * for the commits of what is said in it.
 */
export async function lockRoom(
  tx: Knex.Transaction,
  { room }: RoomName,
  by: Maker,
  operation: RoomOperation,
): Promise<LockedRoom> {
  if (!isKeepable(room)) throw refuse('no-such-room')
  const row: { id: number } | undefined = await tx('room')
    .whereNull('deleted_at')
    .whereNotNull('category_id')
    .andWhere(/^ma-chan:/.test(room) ? { uri: room } : { name: room })
    .forUpdate()
    .first('id')
  if (!row) throw refuse('no-such-room')
  const { decision, access } = await decideFor(tx, operation, { id: row.id }, { id: by.id, roles: by.roles ?? [] })
  if (!access) throw refuse('no-such-room')
  if (!decision.allowed) throw refuse(decision.reason)
  const { uri, name } = access.room
  return { room: access.room, rules: access.rules, subject: { type: 'room', uri, name } }
}

/** Locks rooms in ascending id, as everybody does who locks several. Changes to rooms' rows are made after it. */
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

/** Locks a category by its name or URI. `notFound` is what is said when there is none. */
export async function lockCategory(
  tx: Knex.Transaction,
  name: string,
  notFound = () => new ChangeRefused('no-such-category', `There is no category ${quoted(name)}.`),
): Promise<LockedCategory> {
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
    | undefined = await tx('category')
    .where(/^ma-cat:/.test(name) ? { uri: name } : { name })
    .forUpdate()
    .first()
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
 * Locks the category somebody wants to make a room in, or move one to. Who may not make rooms there is told the same
 * of a category that is not: which categories there are is nobody's business but theirs.
 */
export async function lockCategoryForRooms(tx: Knex.Transaction, name: string, by: Maker): Promise<LockedCategory> {
  const administrator = isAdministrator(by)
  const category = await lockCategory(tx, name, administrator ? undefined : () => refuse('not-a-creator'))
  if (administrator) return category
  const roles = { members: NOBODY, managers: NOBODY, presenters: NOBODY }
  const { inScope, creator } = standingOf(await identitiesOf(tx, by.id), {
    scope: category.scope,
    roles,
    administrator,
  })
  if (!inScope || !creator) throw refuse('not-a-creator')
  return category
}

const NOBODY: ReadonlySet<number> = new Set()

/** A name that is free among rooms and categories. */
export async function requireFreeName(tx: Knex.Transaction, name: string, problem: string | undefined): Promise<void> {
  if (problem) throw new ChangeRefused('invalid', problem)
  const room: unknown = await tx('room').where({ name }).first('id')
  const category: unknown = await tx('category').where({ name }).first('id')
  if (room || category)
    throw new ChangeRefused('duplicate-name', `There is a room or category ${quoted(name)} already.`)
}

export function requireText(what: string, text: string | undefined, max: number): void {
  const problem = text === undefined ? undefined : textProblem(what, text, max)
  if (problem) throw new ChangeRefused('invalid', problem)
}
