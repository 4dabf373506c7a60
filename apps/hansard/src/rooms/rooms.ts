import {
  type AdminReplyOf,
  ChangeRoomRequest,
  CreateRoomRequest,
  ListRoomsQuery,
  type RoomEntry,
} from '@hansard/admin-contract'
import { roomNameProblem } from '@hansard/rooms'
import { allPages, inBatches, openAdmin } from '../cli/admin-client.ts'
import { misused } from '../cli/command-failure.ts'
import { confirm } from '../cli/confirm.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { optionName } from '../cli/option-names.ts'
import { type GivenOptions, valuesOf } from '../cli/schema-options.ts'
import { counted, properties, shownProperties, table, utc, visible, yesOrNo } from '../cli/table.ts'
import { type PoolOptions, said, somethingNamed } from '../cli/verb.ts'
import { CREATE_ROOM_TEXTS, LIST_ROOMS_TEXTS } from './room-texts.ts'

export type AddRoomsOptions = PoolOptions & {
  readonly category?: string
  readonly closed: boolean
  readonly member: readonly string[]
}

/** Adds rooms: open to everyone in the category, or closed to all but their members. */
export async function addRooms(io: Io, names: readonly string[], options: AddRoomsOptions): Promise<ExitCode> {
  for (const name of names) refuseBadName(name)
  const admin = await openAdmin(io, options)
  const privacy = options.closed ? ('closed' as const) : ('open' as const)
  const common = { privacy, ...said({ category: options.category, members: [...options.member] }) }
  const rooms = await inBatches(names, async (batch) => {
    const reply = await admin.ask('addRooms', { body: { rooms: batch.map((name) => ({ name, ...common })) } })
    return reply.rooms
  })
  answer(io, options.json, { rooms }, () =>
    rooms.map(({ name, uri, created }) => `${name}  ${uri}${created ? '' : '  existed already'}\n`).join(''),
  )
  return 0
}

export async function createRoom(io: Io, name: string, options: PoolOptions & GivenOptions): Promise<ExitCode> {
  refuseBadName(name)
  const admin = await openAdmin(io, options)
  const given = valuesOf(CreateRoomRequest, options, CREATE_ROOM_TEXTS)
  const body = { ...given, name, category: String(options['category']) }
  const room = await admin.ask('createRoom', { body })
  answer(io, options.json, room, () => `${room.name}  ${room.uri}\n`)
  return 0
}

export async function listRooms(
  io: Io,
  options: PoolOptions & GivenOptions & { readonly limit?: number },
): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const query = valuesOf(ListRoomsQuery, options, LIST_ROOMS_TEXTS)
  const rooms: RoomEntry[] = await allPages(options.limit, async (page) => {
    const reply = await admin.ask('listRooms', { query: { ...query, ...page } })
    return { entries: reply.rooms, next: reply.next }
  })
  answer(io, options.json, { rooms }, () =>
    table(
      ['ROOM', 'CATEGORY', 'PRIVACY', 'TYPE', 'URI'],
      rooms.map((room) => [
        room.name,
        room.category,
        room.disabled ? `${room.privacy}, disabled` : room.privacy,
        room.type,
        room.uri,
      ]),
    ),
  )
  return 0
}

export async function showRoom(io: Io, room: string, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const shown = await admin.ask('showRoom', { parts: { room } })
  answer(io, options.json, shown, () => describe(shown))
  return 0
}

/** Changes what was named, all of it or nothing: what a room is, where it belongs, who is in it. */
export async function setRoom(
  io: Io,
  room: string,
  options: PoolOptions & GivenOptions & { readonly name?: string; readonly dryRun: boolean },
): Promise<ExitCode> {
  if (options.name !== undefined) refuseBadName(options.name)
  const changes = somethingNamed(valuesOf(ChangeRoomRequest, options, { dryRun: 'left out' }), 'rooms set')
  const { dryRun } = options

  const admin = await openAdmin(io, options)
  const changed = await admin.ask('changeRoom', {
    parts: { room },
    body: { ...changes, ...(dryRun ? { dryRun } : {}) },
  })
  const { dropped: _, dryRun: __, droppedFrom, ...shown } = changed
  const dropped = Object.entries(droppedFrom).flatMap(([list, uris]) =>
    uris.map((uri) => `${dryRun ? 'would be dropped' : 'dropped'} from the ${list}: ${visible(uri)}\n`),
  )
  answer(io, options.json, changed, () =>
    dryRun
      ? [...dropped, dropped.length === 0 ? 'Nobody would be dropped. ' : '', 'Nothing was changed.\n'].join('')
      : [describe(shown), ...dropped].join(''),
  )
  return 0
}

export async function switchRoom(
  io: Io,
  room: string,
  route: 'disableRoom' | 'enableRoom',
  options: PoolOptions,
): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const shown = await admin.ask(route, { parts: { room } })
  answer(io, options.json, shown, () => `${shown.name} is ${shown.disabled ? 'disabled' : 'enabled'}.\n`)
  return 0
}

export async function removeRoom(io: Io, room: string, options: PoolOptions & { yes: boolean }): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  // Of a room that is not there nothing need be asked.
  if (!options.yes) await admin.ask('showRoom', { parts: { room } })
  await confirm(io, options, `Delete ${room} for good?`)
  const removed = await admin.ask('deleteRoom', { parts: { room } })
  answer(io, options.json, removed, () => `${room} has been deleted.\n`)
  return 0
}

export async function clearRoom(
  io: Io,
  room: string,
  options: PoolOptions & { through: number; dryRun: boolean; yes: boolean },
): Promise<ExitCode> {
  const { through, dryRun } = options
  if (!dryRun) await confirm(io, options, `Remove everything posted in ${room} through ${utc(through)}?`)
  const admin = await openAdmin(io, options)
  const done = await admin.ask('clearRoom', { parts: { room }, body: { through, dryRun } })
  const been = dryRun ? 'would be' : done.chats === 1 ? 'has been' : 'have been'
  answer(
    io,
    options.json,
    { ...done, through },
    () => `${counted(done.chats, 'chat')} posted through ${utc(through)} ${been} removed.\n`,
  )
  return 0
}

function describe(room: AdminReplyOf<'showRoom'>): string {
  return properties(shownProperties(room, optionName, yesOrNo))
}

function refuseBadName(name: string): void {
  const problem = roomNameProblem(name)
  if (problem) throw misused(`${JSON.stringify(name)}: ${problem}`)
}
