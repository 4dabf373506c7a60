import { type NamedRoom, roomsNamed } from '@hansard/pool-store'
import type { RoomRole } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { type ChangeRoom, changeRoom } from './change-room.ts'
import { type CommandActor, type Context, changeEvents, isAdministrator, type Properties } from './context.ts'
import { insertRoom, type RoomToInsert } from './insert-room.ts'
import { INVITED_NOBODY, type Invited, invite } from './invite.ts'
import { type LockedRoom, lockCategoryForRooms, lockRoom, type RoomName } from './locked.ts'
import type { ListChange } from './named-principals.ts'
import { ChangeRefused, type Result } from './result.ts'
import { requireFreeRoomName, severalRooms } from './room-names.ts'
import { applyRoles, listsTold, ROLE_LISTS, type RolesChange, rolesTold } from './room-roles.ts'

/** Changes to rooms themselves: their properties, their lists, their existence. */
export function roomCommands(context: Context) {
  const { bus, from } = context

  const announce = (room: { id: number; rights: number }, invited: Invited = INVITED_NOBODY) => {
    bus.publish({ t: 'room-changed', room: room.id, from, rights: room.rights })
    for (let at = 0; at < invited.ids.length; at += 1_000) {
      bus.publish({ t: 'invited', principals: invited.ids.slice(at, at + 1_000) })
    }
  }

  const change: ChangeRoom = (by, wanted) => changeRoom(context, announce, by, wanted)

  return {
    /**
     * Creates a room: closed, normal and empty by default. Its creator manages it. `tooManyToInvite`: nobody was
     * invited, because there are more new members than one change invites.
     */
    async createRoom(
      by: CommandActor,
      room: RoomToInsert,
    ): Promise<Result<{ id: number; uri: string; name: string; created: boolean; tooManyToInvite: boolean }>> {
      let invited = INVITED_NOBODY
      const result = await context.make(by, async (by, tx, at) => {
        // For anybody else, the reply would reveal which rooms exist.
        const existing = room.ifAbsent && isAdministrator(by) ? await findByName(tx, room.name) : undefined
        if (existing) {
          const locked = await lockRoom(tx, { room: existing.uri }, by, 'change-roles')
          const { id, uri, name, categoryId, type, privacy } = locked.room
          const target = { id, categoryId, type, open: privacy === 'open' }
          const changed = await applyRoles(tx, target, { members: { add: room.members ?? [] } }, by, at)
          if (locked.rules.category.invitations && locked.rules.invitations !== 'off')
            invited = await invite(tx, { roomId: id, categoryId, added: changed.members.added, by, at })
          const told = rolesTold(changed)
          const touched = Object.keys(told.after).length > 0
          return {
            events: touched
              ? changeEvents({ roomId: id, by, action: 'changed', subject: locked.subject, ...told })
              : [],
            rights: touched ? [id] : [],
            result: { id, uri, name, created: false, rights: locked.room.rights + (touched ? 1 : 0) },
          }
        }
        const category = await lockCategoryForRooms(tx, room.category, by)
        await requireFreeRoomName(tx, room.name, by)
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

    /** Changes a room's properties, category and lists: everything named, or nothing. */
    changeRoom: change,

    /** Changes the list of one role, by entries to add and remove or as a whole. */
    changeRoles: (
      by: CommandActor,
      { room, role, change: roleChange }: RoomName & { role: RoomRole; change: ListChange },
    ) => change(by, { room, roles: { [ROLE_LISTS[role]]: roleChange } }),
    /** The same for several roles at once. */
    changeAllRoles: (by: CommandActor, { room, roles }: RoomName & { roles: RolesChange }) =>
      change(by, { room, roles }),

    /** All participants are parted at once and nobody can join; content and lists stay. */
    disableRoom: (by: CommandActor, name: RoomName) => switchRoom(context, announce, by, name, true),
    enableRoom: (by: CommandActor, name: RoomName) => switchRoom(context, announce, by, name, false),

    /** No entry point finds the room any more, and its name is available. Its chats stay until retention ends. */
    async deleteRoom(by: CommandActor, name: RoomName): Promise<Result<{ id: number; uri: string }>> {
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

/** All properties of a room, as recorded by the change that creates it. */
async function roomTold(tx: Knex.Transaction, room: LockedRoom['room']): Promise<Properties> {
  const { name, description, topic, type, privacy, invitations, disabled, addIn } = room
  const { uri: category }: { uri: string } = await tx('category').where({ id: room.categoryId }).first('uri')
  const lists = await listsTold(tx, room.id)
  return { name, description, topic, type, privacy, invitations, disabled, addIn, category, ...lists }
}

async function switchRoom(
  context: Context,
  announce: (room: { id: number; rights: number }) => void,
  by: CommandActor,
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

/** The room that has exactly this name. Several are refused: somebody must say which is meant. */
async function findByName(tx: Knex.Transaction, name: string): Promise<NamedRoom | undefined> {
  const asker = { identities: [], among: 'all', seesRoles: true } as const
  const [found, ...others] = (await roomsNamed(tx, name, asker)).filter((room) => room.name === name)
  if (found && others.length > 0) throw new ChangeRefused('ambiguous-name', severalRooms(name, [found, ...others]))
  return found
}
