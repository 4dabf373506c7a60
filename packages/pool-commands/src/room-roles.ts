import { identitiesOfMany, loadRoles, loadScope } from '@hansard/pool-store'
import { quoted, type RoomRole, type RoomRoles, type RoomType, type Scope, standingOf } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { type CommandActor, isAdministrator } from './context.ts'
import {
  BATCH,
  findListChange,
  type ListChange,
  type Named,
  namedById,
  refuseIndirect,
  resolveListChange,
  urisOf,
  type WantedName,
} from './named-principals.ts'
import { ChangeRefused } from './result.ts'

export const ROLE_LISTS = { member: 'members', manager: 'managers', presenter: 'presenters' } as const
export type RoleList = (typeof ROLE_LISTS)[RoomRole]

export type RolesChange = { readonly [L in RoleList]?: ListChange | undefined }
/** The effect of a change of roles: by list, who was added and who was removed. */
export type RolesChanged = { readonly [L in RoleList]: { added: Named[]; removed: Named[] } }

/**
 * Changes a room's lists. Every named principal must be in the category's scope. Presenters require an auditorium,
 * and must be members unless the room is open. A removed member loses the presenter role too: `strangers`.
 */
export async function applyRoles(
  tx: Knex.Transaction,
  room: { id: number; categoryId: number; type: RoomType; open: boolean },
  change: RolesChange,
  by: CommandActor,
  now: number,
): Promise<RolesChanged & { readonly strangers: readonly Named[] }> {
  const before = await loadRoles(tx, room.id)
  const { members, managers, presenters } = isAdministrator(by)
    ? await resolveRoles(tx, room.categoryId, before, change, now)
    : await findRoles(tx, room.categoryId, before, change)

  if (presenters.added.length > 0 && room.type !== 'auditorium') {
    throw new ChangeRefused('invalid', 'Only an auditorium has presenters.')
  }
  const memberIds = new Set(before.members)
  for (const { id } of members.added) memberIds.add(id)
  for (const { id } of members.removed) memberIds.delete(id)
  const listedPresenters = new Set(before.presenters)
  for (const { id } of presenters.removed) listedPresenters.delete(id)
  let strangers: readonly Named[] = []
  if (!room.open) {
    const covered = await coveredBy(tx, memberIds, [...presenters.added.map(({ id }) => id), ...listedPresenters])
    const stranger = presenters.added.find(({ id }) => !covered.has(id))
    if (stranger) {
      throw new ChangeRefused('presenter-not-a-member', `${quoted(stranger.uri)} is not a member of the room.`)
    }
    strangers = await namedById(
      tx,
      [...listedPresenters].filter((id) => !covered.has(id)),
    )
    presenters.removed.push(...strangers)
  }
  await write(tx, room.id, 'member', members)
  await write(tx, room.id, 'manager', managers)
  await write(tx, room.id, 'presenter', presenters)
  return { members, managers, presenters, strangers }
}

/** For administrators: names that nobody has and names outside the category's scope are refused each for what they are. */
async function resolveRoles(
  tx: Knex.Transaction,
  categoryId: number,
  before: RoomRoles,
  change: RolesChange,
  now: number,
): Promise<RolesChanged> {
  const members = await resolveListChange(tx, change.members ?? {}, before.members, now)
  const managers = await resolveListChange(tx, change.managers ?? {}, before.managers, now)
  const presenters = await resolveListChange(tx, change.presenters ?? {}, before.presenters, now)
  const added = [...members.added, ...managers.added, ...presenters.added]
  await requireInScope(tx, await loadScope(tx, categoryId), added)
  return { members, managers, presenters }
}

/**
 * For everybody else. Otherwise a manager could try names, and learn which groups and accounts the pool has behind its
 * walls: so names that nobody has and names outside the scope get one answer, in the caller's spelling and order, after
 * the same statements. Every name to be added is checked, also one that the same change removes again.
 */
async function findRoles(
  tx: Knex.Transaction,
  categoryId: number,
  before: RoomRoles,
  change: RolesChange,
): Promise<RolesChanged> {
  const members = await findListChange(tx, change.members ?? {}, before.members)
  const managers = await findListChange(tx, change.managers ?? {}, before.managers)
  const presenters = await findListChange(tx, change.presenters ?? {}, before.presenters)
  const scope = await loadScope(tx, categoryId)
  await requireWantedInScope(tx, scope, [...members.wanted, ...managers.wanted, ...presenters.wanted])
  await refuseIndirectInScope(tx, scope, members.absent, before.members)
  await refuseIndirectInScope(tx, scope, managers.absent, before.managers)
  await refuseIndirectInScope(tx, scope, presenters.absent, before.presenters)
  return { members, managers, presenters }
}

/** The lists that changed, in the form of a change event. */
export function rolesTold(changed: RolesChanged): {
  before: Record<string, string[]>
  after: Record<string, string[]>
} {
  const told = { before: {} as Record<string, string[]>, after: {} as Record<string, string[]> }
  for (const list of Object.values(ROLE_LISTS)) {
    const { added, removed } = changed[list]
    if (removed.length > 0) told.before[list] = urisOf(removed)
    if (added.length > 0) told.after[list] = urisOf(added)
  }
  return told
}

/** A room's current lists, without empty ones. */
export async function listsTold(tx: Knex.Transaction, roomId: number): Promise<Record<string, string[]>> {
  const roles = await loadRoles(tx, roomId)
  const told: Record<string, string[]> = {}
  for (const list of Object.values(ROLE_LISTS)) {
    if (roles[list].size > 0) told[list] = urisOf(await namedById(tx, [...roles[list]]))
  }
  return told
}

/** Removes everybody from the room's lists whom the category does not allow; returns who that was. */
export async function dropDisallowed(tx: Knex.Transaction, roomId: number, categoryId: number): Promise<RolesChanged> {
  const roles = await loadRoles(tx, roomId)
  const scope = await loadScope(tx, categoryId)
  const everybody = [...new Set([...roles.members, ...roles.managers, ...roles.presenters])]
  const outside = new Set(await outsideScope(tx, scope, everybody))
  return removeFrom(tx, roomId, roles, (id) => outside.has(id))
}

export async function dropPresenters(tx: Knex.Transaction, roomId: number): Promise<RolesChanged> {
  const roles = await loadRoles(tx, roomId)
  return removeFrom(tx, roomId, { ...roles, members: NOBODY, managers: NOBODY }, () => true)
}

async function removeFrom(
  tx: Knex.Transaction,
  roomId: number,
  roles: RoomRoles,
  goes: (id: number) => boolean,
): Promise<RolesChanged> {
  const removed = async (ids: ReadonlySet<number>) => ({
    added: [],
    removed: await namedById(tx, [...ids].filter(goes)),
  })
  const changed = {
    members: await removed(roles.members),
    managers: await removed(roles.managers),
    presenters: await removed(roles.presenters),
  }
  await write(tx, roomId, 'member', changed.members)
  await write(tx, roomId, 'manager', changed.managers)
  await write(tx, roomId, 'presenter', changed.presenters)
  return changed
}

export async function requireInScope(tx: Knex.Transaction, scope: Scope, named: readonly Named[]): Promise<void> {
  const outside = await outsideScope(
    tx,
    scope,
    named.map(({ id }) => id),
  )
  if (outside.length === 0) return
  const ids = new Set(outside)
  const uris = named.filter(({ id }) => ids.has(id)).map(({ uri }) => uri)
  throw new ChangeRefused('not-in-scope', `The category does not allow ${listed(uris)}.`)
}

async function requireWantedInScope(tx: Knex.Transaction, scope: Scope, wanted: readonly WantedName[]): Promise<void> {
  const ids = standInIds(wanted)
  const outside = new Set(await outsideScope(tx, scope, ids))
  if (outside.size === 0) return
  const names = [...new Set(wanted.filter((_, at) => outside.has(ids[at]!)).map(({ name }) => name))]
  throw new ChangeRefused('not-in-scope', `The category allows nobody called ${listed(names)}.`)
}

/** Tells only of principals in the category's scope, whom the caller may know. Other names are ignored. */
async function refuseIndirectInScope(
  tx: Knex.Transaction,
  scope: Scope,
  absent: readonly WantedName[],
  present: ReadonlySet<number>,
): Promise<void> {
  const outside = new Set(await outsideScope(tx, scope, standInIds(absent)))
  const known = absent.flatMap(({ named }) => (named && !outside.has(named.id) ? [named] : []))
  await refuseIndirect(tx, known, present)
}

/** A name that nobody has gets an id that nobody has, so that the statements are the same. */
function standInIds(wanted: readonly WantedName[]): number[] {
  return wanted.map(({ named }, at) => named?.id ?? -1 - at)
}

/** Ten of the names, and how many more there are. */
function listed(names: readonly string[]): string {
  const more = names.length > 10 ? ` and ${names.length - 10} more` : ''
  return names.slice(0, 10).map(quoted).join(', ') + more
}

async function outsideScope(tx: Knex.Transaction, scope: Scope, ids: readonly number[]): Promise<number[]> {
  const identities = await identitiesOfMany(tx, ids)
  const roles = { members: NOBODY, managers: NOBODY, presenters: NOBODY }
  return ids.filter(
    (id) => !standingOf(identities.get(id) ?? new Set([id]), { scope, roles, administrator: false }).inScope,
  )
}

/** Those of `ids` that are members directly, or through a group or domain. */
async function coveredBy(
  tx: Knex.Transaction,
  members: ReadonlySet<number>,
  ids: readonly number[],
): Promise<Set<number>> {
  const identities = await identitiesOfMany(tx, ids)
  return new Set(ids.filter((id) => [...(identities.get(id) ?? [])].some((identity) => members.has(identity))))
}

async function write(
  tx: Knex.Transaction,
  roomId: number,
  role: RoomRole,
  { added, removed }: { added: readonly Named[]; removed: readonly Named[] },
): Promise<void> {
  for (let from = 0; from < removed.length; from += BATCH) {
    const ids = removed.slice(from, from + BATCH).map(({ id }) => id)
    await tx('room_role').where({ room_id: roomId, role }).whereIn('principal_id', ids).delete()
  }
  for (let from = 0; from < added.length; from += BATCH) {
    const rows = added.slice(from, from + BATCH).map(({ id }) => ({ room_id: roomId, principal_id: id, role }))
    await tx('room_role').insert(rows)
  }
}

const NOBODY: ReadonlySet<number> = new Set()
