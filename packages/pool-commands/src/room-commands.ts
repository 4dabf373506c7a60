import { beginStays } from '@hansard/pool-store'
import { isKeepable, type RoomRole, roomNameProblem } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { type Context, changeEvents, difference, isAdministrator, type Maker, type Properties } from './context.ts'
import { findAddIn, insertRoom, type NewRoom, type RoomProperties } from './insert-room.ts'
import { INVITED_NOBODY, type Invited, invite } from './invite.ts'
import {
  type LockedRoom,
  lockCategoryForRooms,
  lockRoom,
  type RoomName,
  requireFreeName,
  requireText,
} from './locked.ts'
import { type ListChange, urisOf } from './named-principals.ts'
import type { Result } from './result.ts'
import {
  applyRoles,
  dropDisallowed,
  dropPresenters,
  dropStrangers,
  listsTold,
  ROLE_LISTS,
  type RolesChange,
  type RolesChanged,
  rolesTold,
} from './room-roles.ts'

export type RoomChanges = RoomProperties & {
  readonly name?: string | undefined
  readonly category?: string | undefined
}

/** Changes to rooms themselves: what they are, who is in them, and whether there are any. */
export function roomCommands(context: Context) {
  const { bus, from } = context

  const announce = (room: { id: number; rights: number }, invited: Invited = INVITED_NOBODY) => {
    bus.publish({ t: 'room-changed', room: room.id, from, rights: room.rights })
    for (let at = 0; at < invited.ids.length; at += 1_000) {
      bus.publish({ t: 'invited', principals: invited.ids.slice(at, at + 1_000) })
    }
  }

  /** Changes several roles at once. `dropped`: URIs of presenters that are none any more, being no members any more. */
  const changeAllRoles = async (
    by: Maker,
    { room, roles }: RoomName & { roles: RolesChange },
  ): Promise<Result<{ id: number; uri: string; dropped: string[]; tooManyToInvite: boolean }>> => {
    let invited = INVITED_NOBODY
    const result = await context.make(by, async (by, tx, at) => {
      const locked = await lockRoom(tx, { room }, by, 'change-roles')
      const { id, uri, rights } = locked.room
      const changed = await applyRoles(tx, rolesRoom(locked), roles, at)
      const told = rolesTold(changed)
      const touched = Object.keys(told.before).length + Object.keys(told.after).length > 0
      if (!touched) return { events: [], rights: [], result: { id, uri, dropped: [], rights } }
      invited = await inviteMembers(tx, locked, changed, by, at)
      return {
        events: changeEvents({ roomId: id, by, action: 'changed', subject: locked.subject, ...told }),
        rights: [id],
        result: { id, uri, dropped: urisOf(changed.strangers), rights: rights + 1 },
      }
    })
    if (!result.ok) return result
    announce(result.value, invited)
    const { id, uri, dropped } = result.value
    return { ok: true, value: { id, uri, dropped, tooManyToInvite: invited.tooMany } }
  }

  return {
    /**
     * Creates a room: closed, normal and empty unless it says otherwise. Who makes it manages it. `tooManyToInvite`:
     * nobody was invited, because the new members are more people than one change invites.
     */
    async createRoom(
      by: Maker,
      room: NewRoom,
    ): Promise<Result<{ id: number; uri: string; name: string; created: boolean; tooManyToInvite: boolean }>> {
      let invited = INVITED_NOBODY
      const result = await context.make(by, async (by, tx, at) => {
        // Anybody else would learn from it which rooms there are.
        const existing = room.ifAbsent && isAdministrator(by) ? await findByName(tx, room.name) : undefined
        if (existing) {
          const locked = await lockRoom(tx, { room: room.name }, by, 'change-roles')
          const changed = await applyRoles(tx, rolesRoom(locked), { members: { add: room.members ?? [] } }, at)
          invited = await inviteMembers(tx, locked, changed, by, at)
          const told = rolesTold(changed)
          const touched = Object.keys(told.after).length > 0
          const { id, uri, name } = locked.room
          return {
            events: touched
              ? changeEvents({ roomId: id, by, action: 'changed', subject: locked.subject, ...told })
              : [],
            rights: touched ? [id] : [],
            result: { id, uri, name, created: false, rights: locked.room.rights + (touched ? 1 : 0) },
          }
        }
        const category = await lockCategoryForRooms(tx, room.category, by)
        await requireFreeName(tx, room.name, roomNameProblem(room.name))
        const made = await insertRoom(tx, context, room, category, by, at)
        invited = made.invited
        return {
          events: made.events,
          rights: [],
          result: { id: made.id, uri: made.uri, name: room.name, created: true, rights: 1 },
        }
      })
      if (!result.ok) return result
      announce(result.value, invited)
      const { id, uri, name, created } = result.value
      return { ok: true, value: { id, uri, name, created, tooManyToInvite: invited.tooMany } }
    },

    /**
     * Changes what a room is and where it belongs. `dropped`: URIs that lost a role, because the new category does not
     * allow them or a normal room has no presenters.
     */
    async changeRoom(
      by: Maker,
      { room, ...changes }: RoomName & RoomChanges,
    ): Promise<Result<{ id: number; uri: string; dropped: string[] }>> {
      const result = await context.make(by, async (by, tx) => {
        const locked = await lockRoom(tx, { room }, by, 'change-room')
        const { id, uri } = locked.room
        const { uri: categoryUri }: { uri: string } = await tx('category')
          .where({ id: locked.room.categoryId })
          .first('uri')
        const stays = [undefined, locked.room.category, categoryUri].includes(changes.category)
        const moved = stays ? undefined : await lockCategoryForRooms(tx, changes.category!, by)
        if (changes.name !== undefined && changes.name !== locked.room.name) {
          await requireFreeName(tx, changes.name, roomNameProblem(changes.name))
        }
        requireText('A description', changes.description, 256)
        requireText('A topic', changes.topic, 256)
        const { name, description, topic, type, privacy, invitations } = changes
        const addInId = await findAddIn(tx, changes.addIn)
        const { room: before } = locked
        const told = difference(
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
          { name, description, topic, type, privacy, invitations, addIn: changes.addIn, category: moved?.uri },
        )
        if (!told) return { events: [], rights: [], result: { id, uri, dropped: [], rights: before.rights } }
        const columns = Object.fromEntries(
          Object.entries({ name, description, topic, type, privacy, invitations, add_in_id: addInId }).filter(
            ([, value]) => value !== undefined,
          ),
        )
        await tx('room')
          .where({ id })
          .update({ ...columns, ...(moved ? { category_id: moved.id } : {}) })
        const gone: RolesChanged[] = []
        if (moved) gone.push(await dropDisallowed(tx, id, moved.id))
        if (moved && !moved.chatHistory) await beginStays(tx, [id])
        if (type === 'normal' && before.type !== 'normal') gone.push(await dropPresenters(tx, id))
        else if (moved || privacy !== undefined)
          gone.push(await dropStrangers(tx, id, (privacy ?? before.privacy) === 'open'))
        const lists = mergedTold(gone)
        // Name and topic are seen by whoever is in the room: they, too, must be loaded anew.
        return {
          events: changeEvents({
            roomId: id,
            by,
            action: 'changed',
            subject: { ...locked.subject, name: name ?? before.name },
            before: { ...told.before, ...lists },
            after: told.after,
          }),
          rights: [id],
          result: { id, uri, dropped: [...new Set(Object.values(lists).flat())], rights: before.rights + 1 },
        }
      })
      if (!result.ok) return result
      announce(result.value)
      const { id, uri, dropped } = result.value
      return { ok: true, value: { id, uri, dropped } }
    },

    /** Changes whom a room grants what: one role, by entries to add and take away or by the whole list. */
    changeRoles: (by: Maker, { room, role, change }: RoomName & { role: RoomRole; change: ListChange }) =>
      changeAllRoles(by, { room, roles: { [ROLE_LISTS[role]]: change } }),
    changeAllRoles,

    /** Everybody is put out at once and nobody comes in; content and lists stay. */
    disableRoom: (by: Maker, name: RoomName) => switchRoom(context, announce, by, name, true),
    enableRoom: (by: Maker, name: RoomName) => switchRoom(context, announce, by, name, false),

    /** The room is gone by every door and its name is free. Its chats stay until retention lets them go. */
    async deleteRoom(by: Maker, name: RoomName): Promise<Result<{ id: number; uri: string }>> {
      const result = await context.make(by, async (by, tx, at) => {
        const { room, subject } = await lockRoom(tx, name, by, 'delete-room')
        const { id, uri, rights } = room
        const before = await roomTold(tx, room)
        await tx('room').where({ id }).update({ deleted_at: at, shown_name: room.name, name: uri })
        for (const table of ['room_role', 'followed_room', 'read_mark', 'invitation']) {
          await tx(table).where({ room_id: id }).delete()
        }
        return {
          events: changeEvents({ roomId: id, by, action: 'deleted', subject, before }),
          rights: [id],
          result: { id, uri, rights: rights + 1 },
        }
      })
      if (!result.ok) return result
      announce(result.value)
      return { ok: true, value: { id: result.value.id, uri: result.value.uri } }
    },
  }
}

/** Everything a room is, as the change that creates one tells it. */
async function roomTold(tx: Knex.Transaction, room: LockedRoom['room']): Promise<Properties> {
  const { name, description, topic, type, privacy, invitations, disabled, addIn } = room
  const { uri: category }: { uri: string } = await tx('category').where({ id: room.categoryId }).first('uri')
  const lists = await listsTold(tx, room.id)
  return { name, description, topic, type, privacy, invitations, disabled, addIn, category, ...lists }
}

async function switchRoom(
  context: Context,
  announce: (room: { id: number; rights: number }) => void,
  by: Maker,
  name: RoomName,
  disabled: boolean,
): Promise<Result<{ id: number; uri: string }>> {
  const result = await context.make(by, async (by, tx) => {
    const { room, subject } = await lockRoom(tx, name, by, disabled ? 'disable-room' : 'enable-room')
    const { id, uri, rights } = room
    if (room.disabled === disabled) return { events: [], rights: [], result: { id, uri, rights } }
    await tx('room').where({ id }).update({ disabled })
    const told = { before: { disabled: room.disabled }, after: { disabled } }
    return {
      events: changeEvents({ roomId: id, by, action: 'changed', subject, ...told }),
      rights: [id],
      result: { id, uri, rights: rights + 1 },
    }
  })
  if (!result.ok) return result
  announce(result.value)
  return { ok: true, value: { id: result.value.id, uri: result.value.uri } }
}

function rolesRoom({ room }: LockedRoom) {
  return { id: room.id, categoryId: room.categoryId, type: room.type, open: room.privacy === 'open' }
}

async function inviteMembers(
  tx: Knex.Transaction,
  { room, rules }: LockedRoom,
  changed: RolesChanged,
  by: Maker,
  at: number,
): Promise<Invited> {
  if (!rules.category.invitations || rules.invitations === 'off') return INVITED_NOBODY
  return invite(tx, { roomId: room.id, categoryId: room.categoryId, added: changed.members.added, by, at })
}

async function findByName(tx: Knex.Transaction, name: string): Promise<unknown> {
  if (!isKeepable(name)) return undefined
  return tx('room').where({ name }).whereNull('deleted_at').whereNotNull('category_id').first('id')
}

function mergedTold(gone: readonly RolesChanged[]): Record<string, string[]> {
  const lists: Record<string, string[]> = {}
  for (const changed of gone) {
    for (const list of Object.values(ROLE_LISTS)) {
      const uris = urisOf(changed[list].removed)
      if (uris.length > 0) lists[list] = [...(lists[list] ?? []), ...uris]
    }
  }
  return lists
}
