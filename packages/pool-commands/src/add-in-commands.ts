import { isKeepable, quoted, roomNameProblem } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import {
  type CommandActor,
  type Context,
  changeEvents,
  difference,
  type Properties,
  requireAdministrator,
} from './context.ts'
import { lockRooms } from './locked.ts'
import { ChangeRefused, type Result } from './result.ts'
import { requireWebAddress } from './web-address.ts'

/** Add-ins: web pages that clients show beside a room. */
export function addInCommands(context: Context) {
  const { bus, from, poolRoomId } = context
  const announce = (rooms: readonly number[]) => {
    for (const room of rooms) bus.publish({ t: 'room-changed', room, from })
  }

  return {
    createAddIn: (
      by: CommandActor,
      { name, url }: { name: string; url: string },
    ): Promise<Result<{ name: string; url: string }>> =>
      context.make(by, async (by, tx) => {
        requireAdministrator(by)
        await requireNewAddIn(tx, name)
        requireWebAddress(url)
        await tx('add_in').insert({ name, url })
        const subject = { type: 'add-in' as const, uri: `add-in:${name}`, name }
        const events = changeEvents({ roomId: poolRoomId, by, action: 'created', subject, after: { name, url } })
        return { events, rights: [], result: { name, url } }
      }),

    async changeAddIn(
      by: CommandActor,
      { addIn, name, url }: { addIn: string; name?: string | undefined; url?: string | undefined },
    ): Promise<Result<{ name: string; url: string }>> {
      const result = await context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const before = await lockAddIn(tx, addIn)
        if (name !== undefined && name !== before.name) await requireNewAddIn(tx, name)
        if (url !== undefined) requireWebAddress(url)
        const after = { name: name ?? before.name, url: url ?? before.url }
        const told = difference({ name: before.name, url: before.url }, after)
        if (!told) return { events: [], rights: [], result: { ...after, rooms: [] } }
        await tx('add_in').where({ id: before.id }).update(after)
        const rooms = await roomsWithAddIn(tx, before.id)
        const subject = (of: string) => ({ type: 'add-in' as const, uri: `add-in:${of}`, name: of })
        const common = { roomId: poolRoomId, by }
        // An add-in is identified by its name: renaming it makes it another add-in, and changes the rooms that have
        // it.
        const events =
          after.name === before.name
            ? changeEvents({ ...common, action: 'changed', subject: subject(after.name), ...told })
            : [
                ...changeEvents({
                  ...common,
                  action: 'deleted',
                  subject: subject(before.name),
                  before: { name: before.name, url: before.url },
                }),
                ...changeEvents({ ...common, action: 'created', subject: subject(after.name), after }),
                ...toldOfRooms(rooms, by, { addIn: before.name }, { addIn: after.name }),
              ]
        return { events, rights: rooms.map(({ id }) => id), result: { ...after, rooms: rooms.map(({ id }) => id) } }
      })
      if (!result.ok) return result
      announce(result.value.rooms)
      return { ok: true, value: { name: result.value.name, url: result.value.url } }
    },

    async deleteAddIn(by: CommandActor, { addIn }: { addIn: string }): Promise<Result<{ name: string }>> {
      const result = await context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const { id, name, url } = await lockAddIn(tx, addIn)
        const rooms = await roomsWithAddIn(tx, id)
        await lockRooms(tx, [poolRoomId, ...rooms.map((room) => room.id)])
        await tx('room').where({ add_in_id: id }).update({ add_in_id: null })
        await tx('add_in').where({ id }).delete()
        const subject = { type: 'add-in' as const, uri: `add-in:${name}`, name }
        const events = [
          ...changeEvents({ roomId: poolRoomId, by, action: 'deleted', subject, before: { name, url } }),
          ...toldOfRooms(rooms, by, { addIn: name }, { addIn: null }),
        ]
        return { events, rights: rooms.map((room) => room.id), result: { name, rooms: rooms.map((room) => room.id) } }
      })
      if (!result.ok) return result
      announce(result.value.rooms)
      return { ok: true, value: { name: result.value.name } }
    },
  }
}

type RoomRow = { id: number; uri: string; name: string }

function toldOfRooms(rooms: readonly RoomRow[], by: CommandActor, before: Properties, after: Properties) {
  return rooms.flatMap(({ id, uri, name }) =>
    changeEvents({ roomId: id, by, action: 'changed', subject: { type: 'room', uri, name }, before, after }),
  )
}

async function lockAddIn(tx: Knex.Transaction, name: string): Promise<{ id: number; name: string; url: string }> {
  if (!isKeepable(name)) throw new ChangeRefused('no-such-add-in', `There is no add-in ${quoted(name)}.`)
  const row: { id: number; name: string; url: string } | undefined = await tx('add_in')
    .where({ name })
    .forUpdate()
    .first()
  if (!row) throw new ChangeRefused('no-such-add-in', `There is no add-in ${quoted(name)}.`)
  return row
}

async function requireNewAddIn(tx: Knex.Transaction, name: string): Promise<void> {
  const problem = roomNameProblem(name)
  if (problem) throw new ChangeRefused('invalid', problem.replace('A room name', 'An add-in’s name'))
  if (await tx('add_in').where({ name }).first('id')) {
    throw new ChangeRefused('duplicate-name', `An add-in ${quoted(name)} already exists.`)
  }
}

async function roomsWithAddIn(tx: Knex.Transaction, id: number): Promise<RoomRow[]> {
  return tx('room').where({ add_in_id: id }).whereNull('deleted_at').orderBy('id').select('id', 'uri', 'name')
}
