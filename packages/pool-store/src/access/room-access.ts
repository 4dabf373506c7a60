import {
  type AccessSettings,
  type Decision,
  decide,
  type RoomOperation,
  type RoomRole,
  type RoomRoles,
  type RoomRules,
  refuse,
  type Scope,
  type Standing,
  standingOf,
} from '@hansard/rooms'
import type { Database, Knex } from '@hansard/sql'
import { findRoom, type Room } from '../rooms/rooms.ts'
import { poolConfiguration } from '../settings/pool-configuration.ts'
import { identitiesOf, identitiesOfMany } from './identities.ts'

/** All data that a decision about a room needs, as of one version of the room's rights. */
export type RoomAccess = {
  readonly room: Room
  readonly rules: RoomRules
  readonly scope: Scope
  readonly roles: RoomRoles
  readonly settings: AccessSettings
}

/** What identifies a room. A name does not: see `roomsNamed`. */
export type RoomKey = { readonly uri: string } | { readonly id: number }

/**
 * Loads a room's access, or undefined when there is no such room.
 *
 * It reads the rights version first. A change made while the rest is read increments the version, so a fact decided
 * on a mixture of old and new data is refused when it is recorded.
 *
 * It loads whole lists, and less when there is no room, so call it only for a room the caller may already see. To
 * decide whether they may, use `decideFor` or `standInRoom`.
 */
export async function loadRoomAccess(db: Database | Knex.Transaction, by: RoomKey): Promise<RoomAccess | undefined> {
  const room = await findRoom(db, by)
  return room && accessTo('dialect' in db ? db.knex : db, room)
}

/** `among`: load only the list entries of these principals. A room may have thousands of members. */
async function accessTo(knex: Knex | Knex.Transaction, room: Room, among?: ReadonlySet<number>): Promise<RoomAccess> {
  const category: { invitations: unknown; file_upload: unknown; chat_history: unknown } | undefined = await knex(
    'category',
  )
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
        invitations: Boolean(category?.invitations),
        fileUpload: Boolean(category?.file_upload),
        chatHistory: Boolean(category?.chat_history),
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
  const roles = { member: new Set<number>(), manager: new Set<number>(), presenter: new Set<number>() }
  for (let after = NO_ID; ; ) {
    const query = knex('room_role').where({ room_id: roomId })
    if (among) query.whereIn('principal_id', [...among])
    else query.andWhere('principal_id', '>', after).orderBy('principal_id').limit(ROLES_STEP)
    const rows: { principal_id: number; role: RoomRole }[] = await query.select('principal_id', 'role')
    for (const { principal_id: id, role } of rows) roles[role].add(id)
    if (among || rows.length < ROLES_STEP) break
    // The step may end between the roles of the last principal: read them again, with those before them.
    after = rows.at(-1)!.principal_id - 1
  }
  return { members: roles.member, managers: roles.manager, presenters: roles.presenter }
}

/** More than the number of roles one principal can have, so every step makes progress. */
const ROLES_STEP = 2_000

/** `roles`: the roles that the entry point believes the principal to have. */
type Someone = { readonly id: number; readonly roles: readonly string[] }

const POOL_ITSELF = 0

/**
 * Whether the principal administers the pool now. An entry point may not know yet that the role was revoked. A
 * principal not believed to have the role costs no statement.
 */
export async function administers(db: Database | Knex.Transaction, who: Someone): Promise<boolean> {
  return (await administratorsAmong(db, [who])).has(who.id)
}

async function administratorsAmong(db: Database | Knex.Transaction, people: readonly Someone[]): Promise<Set<number>> {
  const believed = people.filter(({ roles }) => roles.includes('administrator')).map(({ id }) => id)
  // The pool itself has no account, and nobody can revoke its role.
  if (believed.every((id) => id === POOL_ITSELF)) return new Set(believed)
  const knex = 'dialect' in db ? db.knex : db
  const rows: { principal_id: number }[] = await knex('pool_role')
    .where({ role: 'administrator' })
    .whereIn('principal_id', believed)
    .select('principal_id')
  return new Set(rows.map((row) => row.principal_id))
}

/** A principal's standing in a room now. */
export async function standingIn(
  db: Database | Knex.Transaction,
  access: Pick<RoomAccess, 'scope' | 'roles'>,
  who: Someone,
): Promise<Standing> {
  const administrator = await administers(db, who)
  return standingOf(await identitiesOf(db, who.id), { scope: access.scope, roles: access.roles, administrator })
}

/** The standing of many principals in a room now, by principal id. */
export async function standingsIn(
  db: Database | Knex.Transaction,
  access: Pick<RoomAccess, 'scope' | 'roles'>,
  people: readonly Someone[],
): Promise<Map<number, Standing>> {
  const identities = await identitiesOfMany(
    db,
    people.map((who) => who.id),
  )
  const administrators = await administratorsAmong(db, people)
  return new Map(
    people.map((who) => [
      who.id,
      standingOf(identities.get(who.id) ?? new Set([who.id]), {
        scope: access.scope,
        roles: access.roles,
        administrator: administrators.has(who.id),
      }),
    ]),
  )
}

/**
 * The standing of a principal in a room they name, and the data it was read from: only the entries of the room's
 * lists that concern them. `access` is undefined when there is no such room.
 *
 * The danger is that response time reveals a hidden room. The same statements therefore run in the same order for a
 * hidden room as for a room that does not exist, and none of them reads more for a large room than for a small one.
 * Identities are read after the rights version, like everything the version covers.
 */
export async function standInRoom(
  db: Database | Knex.Transaction,
  by: RoomKey,
  who: Someone,
): Promise<{ standing: Standing; access: RoomAccess | undefined }> {
  const room = await findRoom(db, by)
  const identities = await identitiesOf(db, who.id)
  const access = await accessTo('dialect' in db ? db.knex : db, room ?? NO_ROOM, identities)
  const { scope, roles } = access
  const standing = standingOf(identities, { scope, roles, administrator: await administers(db, who) })
  return { standing, access: room && access }
}

/** Loads and decides in one call: whether a principal may do something in a room, and the data of the decision. */
export async function decideFor(
  db: Database | Knex.Transaction,
  operation: RoomOperation,
  by: RoomKey,
  who: Someone,
): Promise<{ decision: Decision; standing: Standing; access: RoomAccess | undefined }> {
  const { standing, access } = await standInRoom(db, by, who)
  const decision = access ? decide(operation, access.rules, standing, access.settings) : refuse('no-such-room')
  return { decision, standing, access }
}

/**
 * The standing of a principal in a category they name. Runs the same statements whether or not the category exists;
 * `categoryId` is undefined when it does not.
 */
export async function standInCategory(
  db: Database | Knex.Transaction,
  by: { readonly uri: string } | { readonly name: string },
  who: Someone,
): Promise<{ standing: Standing; categoryId: number | undefined }> {
  const knex = 'dialect' in db ? db.knex : db
  const found: { id: number } | undefined = await knex('category').where(by).first('id')
  const identities = await identitiesOf(db, who.id)
  const scope = await loadScope(knex, found?.id ?? NO_ID, identities)
  const administrator = await administers(db, who)
  return { standing: standingOf(identities, { scope, roles: NO_ROLES, administrator }), categoryId: found?.id }
}

/** an id that no row has */
export const NO_ID = -1
/** @internal */
export const NO_ROLES: RoomRoles = { members: new Set(), managers: new Set(), presenters: new Set() }
const NO_ROOM: Room = {
  id: NO_ID,
  uri: '',
  name: '',
  description: '',
  topic: '',
  categoryId: NO_ID,
  category: '',
  type: 'normal',
  privacy: 'secret',
  invitations: 'off',
  addIn: null,
  disabled: true,
  lastChatId: 0,
  rights: 0,
  createdAt: 0,
}
