import { identitiesOf, loadRoomAccess, loadScope, type RoomAccess, standingIn } from '@hansard/pool-store'
import { decide, type RoomOperation, type Scope, type Standing, standingOf } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { isAdministrator, type Maker, type Subject } from './context.ts'
import { quoted } from './named-principals.ts'
import { ChangeRefused, refuse } from './result.ts'

/** A room by its URI or, for doors that take one, its name. */
export type RoomName = { readonly room: string }

/** A room under lock, as it is, and how the maker of a change stands to it. */
export type LockedRoom = RoomAccess & { readonly standing: Standing; readonly subject: Subject }

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
  const row: { id: number } | undefined = await tx('room')
    .whereNull('deleted_at')
    .whereNotNull('category_id')
    .andWhere(/^ma-chan:/.test(room) ? { uri: room } : { name: room })
    .forUpdate()
    .first('id')
  const access = row && (await loadRoomAccess(tx, { id: row.id }))
  if (!access) throw refuse('no-such-room')
  const standing = await standingIn(tx, access, { id: by.id, roles: by.roles ?? [] })
  const decision = decide(operation, access.rules, standing, access.settings)
  if (!decision.allowed) throw refuse(decision.reason)
  const { uri, name } = access.room
  return { ...access, standing, subject: { type: 'room', uri, name } }
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

/** Locks a category by its name. `notFound` is what is said when there is none. */
export async function lockCategory(
  tx: Knex.Transaction,
  name: string,
  notFound = () => new ChangeRefused('no-such-category', `There is no category ${quoted(name)}.`),
): Promise<LockedCategory> {
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
    | undefined = await tx('category').where({ name }).forUpdate().first()
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
  if (text === undefined) return
  if (text.length > max) {
    throw new ChangeRefused('invalid', `${what} may have at most ${max} characters; this one has ${text.length}.`)
  }
  if (!text.isWellFormed() || text.includes('\u0000')) {
    throw new ChangeRefused('invalid', `${what} holds characters that no database keeps.`)
  }
}
