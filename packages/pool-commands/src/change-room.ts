import { beginStays } from '@hansard/pool-store'
import type { Knex } from '@hansard/sql'
import { type CommandActor, type Context, changeEvents, difference, Rehearsed } from './context.ts'
import { findAddIn, type RoomProperties } from './insert-room.ts'
import { INVITED_NOBODY, type Invited, invite } from './invite.ts'
import { type LockedRoom, lockCategoryForRooms, lockRoom, type RoomName, requireText } from './locked.ts'
import { urisOf } from './named-principals.ts'
import type { Result } from './result.ts'
import { requireFreeRoomName } from './room-names.ts'
import {
  applyRoles,
  dropDisallowed,
  dropPresenters,
  ROLE_LISTS,
  type RoleList,
  type RolesChange,
  type RolesChanged,
  rolesTold,
} from './room-roles.ts'

export type RoomChanges = RoomProperties & {
  readonly name?: string | undefined
  readonly category?: string | undefined
  readonly roles?: RolesChange | undefined
  /** reports what would change, and changes nothing */
  readonly dryRun?: boolean | undefined
}

type RoomChanged = {
  readonly id: number
  readonly uri: string
  /**
   * URIs that lost a role without being named: the new category does not allow them, a normal room has no presenters,
   * or a former member cannot stay presenter. Each once.
   */
  readonly dropped: string[]
  /** the same, by the list they were dropped from */
  readonly droppedFrom: DroppedFrom
  /** nobody was invited: there are more new members than one change invites */
  readonly tooManyToInvite: boolean
}
type DroppedFrom = { readonly [L in RoleList]: string[] }

export type ChangeRoom = (by: CommandActor, changes: RoomName & RoomChanges) => Promise<Result<RoomChanged>>

/**
 * Changes a room's properties, its category and its lists, in this order: the lists are checked against the room as
 * it is then. It is one change, whatever it covers: if any part is refused, nothing is changed, and the record shows
 * it as one.
 */
export async function changeRoom(
  context: Context,
  announce: (room: { id: number; rights: number }, invited: Invited) => void,
  by: CommandActor,
  { room, roles, dryRun, ...changes }: RoomName & RoomChanges,
): Promise<Result<RoomChanged>> {
  let invited = INVITED_NOBODY
  const result = await context.make(by, async (by, tx, at) => {
    const locked = await lockRoom(tx, { room }, by, roles ? 'change-roles' : 'change-room')
    const alsoWhatItIs = roles && Object.values(changes).some((value) => value !== undefined)
    if (alsoWhatItIs) await lockRoom(tx, { room }, by, 'change-room')
    const { id, uri, rights } = locked.room
    const { told, moved, gone } = await applyProperties(tx, locked, by, changes)
    const after = {
      id,
      categoryId: moved?.id ?? locked.room.categoryId,
      type: changes.type ?? locked.room.type,
      open: (changes.privacy ?? locked.room.privacy) === 'open',
    }
    if (roles || moved || 'privacy' in told.after) {
      const { strangers, ...changed } = await applyRoles(tx, after, roles ?? {}, by, at)
      gone.presenters.push(...urisOf(strangers))
      const lists = rolesTold(changed)
      merge(told.before, lists.before)
      merge(told.after, lists.after)
      const invites = moved?.invitations ?? locked.rules.category.invitations
      if (invites && (changes.invitations ?? locked.rules.invitations) !== 'off') {
        const { added } = changed.members
        invited = await invite(tx, { roomId: id, categoryId: after.categoryId, added, by, at })
      }
    }
    const touched = Object.keys(told.before).length + Object.keys(told.after).length > 0
    const dropped = [...new Set(Object.values(gone).flat())]
    const outcome = { id, uri, dropped, droppedFrom: gone, rights: touched ? rights + 1 : rights }
    if (dryRun) throw new Rehearsed(outcome)
    if (!touched) return { events: [], rights: [], result: outcome }
    // Participants see name and topic, so services must load these again too.
    return {
      events: changeEvents({
        roomId: id,
        by,
        action: 'changed',
        subject: { ...locked.subject, name: changes.name ?? locked.room.name },
        ...told,
      }),
      rights: [id],
      result: outcome,
    }
  })
  if (!result.ok) return result
  const { rights, ...outcome } = result.value
  if (!dryRun) announce({ id: outcome.id, rights }, invited)
  return { ok: true, value: { ...outcome, tooManyToInvite: invited.tooMany } }
}

type Told = { before: Record<string, string | boolean | number | null | string[]>; after: Told['before'] }

/** Writes the room's properties and category, and removes the list entries that are not permitted any more. */
async function applyProperties(
  tx: Knex.Transaction,
  { room: before }: LockedRoom,
  by: CommandActor,
  changes: Omit<RoomChanges, 'roles' | 'dryRun'>,
) {
  const gone = { members: [] as string[], managers: [] as string[], presenters: [] as string[] }
  const { id } = before
  const { uri: categoryUri }: { uri: string } = await tx('category').where({ id: before.categoryId }).first('uri')
  const stays = [undefined, before.category, categoryUri].includes(changes.category)
  const moved = stays ? undefined : await lockCategoryForRooms(tx, changes.category!, by)
  if (changes.name !== undefined && changes.name !== before.name) {
    await requireFreeRoomName(tx, changes.name, by)
  }
  requireText('A description', changes.description, 256)
  requireText('A topic', changes.topic, 256)
  const { name, description, topic, type, privacy, invitations, addIn } = changes
  const addInId = await findAddIn(tx, addIn)
  const differs = difference(
    {
      name: before.name,
      description: before.description,
      topic: before.topic,
      type: before.type,
      privacy: before.privacy,
      invitations: before.invitations,
      addIn: before.addIn,
      category: categoryUri,
    },
    { name, description, topic, type, privacy, invitations, addIn, category: moved?.uri },
  )
  if (!differs) return { told: { before: {}, after: {} } as Told, moved: undefined, gone }
  const columns = Object.fromEntries(
    Object.entries({ name, description, topic, type, privacy, invitations, add_in_id: addInId }).filter(
      ([, value]) => value !== undefined,
    ),
  )
  await tx('room')
    .where({ id })
    .update({ ...columns, ...(moved ? { category_id: moved.id } : {}) })
  const lists: RolesChanged[] = []
  if (moved) lists.push(await dropDisallowed(tx, id, moved.id))
  if (moved && !moved.chatHistory) await beginStays(tx, [id])
  if (type === 'normal' && before.type !== 'normal') lists.push(await dropPresenters(tx, id))
  const told = { before: { ...differs.before }, after: { ...differs.after } } as Told
  for (const changed of lists) {
    merge(told.before, rolesTold(changed).before)
    for (const list of Object.values(ROLE_LISTS)) gone[list].push(...urisOf(changed[list].removed))
  }
  return { told, moved, gone }
}

/** Merges into lists that are already recorded. */
function merge(told: Told['before'], lists: Readonly<Record<string, string[]>>): void {
  for (const [list, uris] of Object.entries(lists)) {
    const known = told[list]
    told[list] = Array.isArray(known) ? [...known, ...uris] : uris
  }
}
