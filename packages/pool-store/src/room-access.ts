import {
  type AccessSettings,
  type Decision,
  decide,
  type RoomOperation,
  type RoomRoles,
  type RoomRules,
  type Scope,
  type Standing,
  standingOf,
} from '@hansard/rooms'
import type { Database, Knex } from '@hansard/sql'
import { identitiesOf, identitiesOfMany } from './identities.ts'
import { poolConfiguration } from './pool-configuration.ts'
import { findRoom, type Room } from './rooms.ts'

/** Everything that who may do what in a room is decided by, as of one version of its rights. */
export type RoomAccess = {
  readonly room: Room
  readonly rules: RoomRules
  readonly scope: Scope
  readonly roles: RoomRoles
  readonly settings: AccessSettings
}

/**
 * Loads a room's access, or undefined when there is no such room.
 *
 * Its version of rights is read first. What is changed while the rest is read raises the version, so that a fact
 * decided by a mixture of old and new is refused when it is recorded.
 *
 * `among`: of the lists, only entries for these principals. A room may have a member list of thousands.
 */
export async function loadRoomAccess(
  db: Database | Knex.Transaction,
  by: { uri: string } | { id: number } | { name: string },
  among?: ReadonlySet<number>,
): Promise<RoomAccess | undefined> {
  const room = await findRoom(db, by)
  if (!room) return undefined
  const knex = 'dialect' in db ? db.knex : db
  const category: { invitations: unknown; file_upload: unknown; chat_history: unknown } = await knex('category')
    .where({ id: room.categoryId })
    .first('invitations', 'file_upload', 'chat_history')
  return {
    room,
    rules: {
      type: room.type,
      privacy: room.privacy,
      disabled: room.disabled,
      invitations: room.invitations,
      category: {
        invitations: Boolean(category.invitations),
        fileUpload: Boolean(category.file_upload),
        chatHistory: Boolean(category.chat_history),
      },
    },
    scope: await loadScope(knex, room.categoryId, among),
    roles: await loadRoles(knex, room.id, among),
    settings: await poolConfiguration(knex),
  }
}

export async function loadScope(
  knex: Knex | Knex.Transaction,
  categoryId: number,
  among?: ReadonlySet<number>,
): Promise<Scope> {
  const query = knex('category_scope').where({ category_id: categoryId })
  if (among) query.whereIn('principal_id', [...among])
  const rows: { principal_id: number; list: string }[] = await query.select('principal_id', 'list')
  const of = (list: string) => new Set(rows.filter((row) => row.list === list).map((row) => row.principal_id))
  return { allowed: of('allowed'), denied: of('denied'), creators: of('creator') }
}

export async function loadRoles(
  knex: Knex | Knex.Transaction,
  roomId: number,
  among?: ReadonlySet<number>,
): Promise<RoomRoles> {
  const query = knex('room_role').where({ room_id: roomId })
  if (among) query.whereIn('principal_id', [...among])
  const rows: { principal_id: number; role: string }[] = await query.select('principal_id', 'role')
  const of = (role: string) => new Set(rows.filter((row) => row.role === role).map((row) => row.principal_id))
  return { members: of('member'), managers: of('manager'), presenters: of('presenter') }
}

type Someone = { readonly id: number; readonly roles: readonly string[] }

/** How somebody stands to a room now. */
export async function standingIn(
  db: Database | Knex.Transaction,
  access: Pick<RoomAccess, 'scope' | 'roles'>,
  who: Someone,
): Promise<Standing> {
  const administrator = who.roles.includes('administrator')
  return standingOf(await identitiesOf(db, who.id), { scope: access.scope, roles: access.roles, administrator })
}

/** How many stand to a room now, by principal id. */
export async function standingsIn(
  db: Database | Knex.Transaction,
  access: Pick<RoomAccess, 'scope' | 'roles'>,
  people: readonly Someone[],
): Promise<Map<number, Standing>> {
  const identities = await identitiesOfMany(
    db,
    people.map((who) => who.id),
  )
  return new Map(
    people.map((who) => [
      who.id,
      standingOf(identities.get(who.id) ?? new Set([who.id]), {
        scope: access.scope,
        roles: access.roles,
        administrator: who.roles.includes('administrator'),
      }),
    ]),
  )
}

/**
 * Loads and decides in one go: whether somebody may do something in a room, and what was decided by. Of the room's lists
 * that holds only what concerns them.
 */
export async function decideFor(
  db: Database | Knex.Transaction,
  operation: RoomOperation,
  by: { uri: string } | { id: number } | { name: string },
  who: Someone,
): Promise<{ decision: Decision; access: RoomAccess | undefined }> {
  const identities = await identitiesOf(db, who.id)
  const access = await loadRoomAccess(db, by, identities)
  if (!access) return { decision: { allowed: false, reason: 'no-such-room' }, access: undefined }
  const { scope, roles, rules, settings } = access
  const standing = standingOf(identities, { scope, roles, administrator: who.roles.includes('administrator') })
  return { decision: decide(operation, rules, standing, settings), access }
}
