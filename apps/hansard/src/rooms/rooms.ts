import type { AdminReplyOf, RoomEntry } from '@hansard/admin-contract'
import { type RoomInvitations, type RoomPrivacy, type RoomType, roomNameProblem } from '@hansard/rooms'
import { allPages, openAdmin } from '../cli/admin-client.ts'
import { misused } from '../cli/command-failure.ts'
import { confirm } from '../cli/confirm.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { counted, properties, table, utc, visible } from '../cli/table.ts'
import { isOn, listChange, type PoolOptions, said } from '../cli/verb.ts'

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
  const { rooms } = await admin.ask('addRooms', { body: { rooms: names.map((name) => ({ name, ...common })) } })
  answer(io, options.json, { rooms }, () =>
    rooms.map(({ name, uri, created }) => `${name}  ${uri}${created ? '' : '  existed already'}\n`).join(''),
  )
  return 0
}

type RoomProperties = {
  readonly description?: string
  readonly topic?: string
  readonly privacy?: RoomPrivacy
  readonly type?: RoomType
  readonly invitations?: RoomInvitations
}
export type CreateRoomOptions = PoolOptions &
  RoomProperties & {
    readonly category: string
    readonly addIn?: string
    readonly disabled: boolean
    readonly member: readonly string[]
    readonly manager: readonly string[]
    readonly presenter: readonly string[]
  }

export async function createRoom(io: Io, name: string, options: CreateRoomOptions): Promise<ExitCode> {
  refuseBadName(name)
  const { category, description, topic, privacy, type, invitations, addIn, disabled } = options
  const admin = await openAdmin(io, options)
  const room = await admin.ask('createRoom', {
    body: {
      name,
      category,
      ...said({ description, topic, privacy, type, invitations, addIn, disabled: disabled || undefined }),
      ...said({ members: [...options.member], managers: [...options.manager], presenters: [...options.presenter] }),
    },
  })
  answer(io, options.json, room, () => `${room.name}  ${room.uri}\n`)
  return 0
}

export type ListRoomsOptions = PoolOptions & {
  readonly filter?: string
  readonly inDescription: boolean
  readonly category?: string
  readonly member?: string
  readonly manager?: string
  readonly joined?: string
  readonly privacy?: RoomPrivacy
  readonly type?: RoomType
  readonly invitations?: RoomInvitations
  readonly addIn?: string
  readonly disabled?: 'on' | 'off'
  readonly contentExceeds?: number
  readonly limit?: number
}

export async function listRooms(io: Io, options: ListRoomsOptions): Promise<ExitCode> {
  const { filter, inDescription, category, member, manager, joined, privacy, type, invitations, addIn } = options
  const disabled = isOn(options.disabled)
  const admin = await openAdmin(io, options)
  const query = said({
    name: filter,
    searchDescription: inDescription ? ('true' as const) : undefined,
    category,
    member,
    manager,
    joined,
    privacy,
    type,
    invitations,
    addIn,
    disabled: disabled === undefined ? undefined : disabled ? ('true' as const) : ('false' as const),
    chatContentExceedsMb: options.contentExceeds,
  })
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

type Lists = { readonly [K in `${'add' | 'remove'}${'Member' | 'Manager' | 'Presenter'}`]: readonly string[] } & {
  readonly [K in `clear${'Members' | 'Managers' | 'Presenters'}`]: boolean
}
export type SetRoomOptions = PoolOptions &
  RoomProperties &
  Lists & {
    readonly name?: string
    readonly category?: string
    readonly addIn?: string | false
    readonly dryRun: boolean
  }

/** Changes what was named, all of it or nothing: what a room is, where it belongs, who is in it. */
export async function setRoom(io: Io, room: string, options: SetRoomOptions): Promise<ExitCode> {
  if (options.name !== undefined) refuseBadName(options.name)
  const { name, description, topic, privacy, type, invitations, addIn, category, dryRun } = options
  const changes = said({
    name,
    description,
    topic,
    privacy,
    type,
    invitations,
    addIn: addIn === false ? null : addIn,
    category,
    members: listChange(options.addMember, options.removeMember, options.clearMembers),
    managers: listChange(options.addManager, options.removeManager, options.clearManagers),
    presenters: listChange(options.addPresenter, options.removePresenter, options.clearPresenters),
  })
  if (Object.keys(changes).length === 0)
    throw misused('Nothing to change was named.', 'See `hansard rooms set --help`.')

  const admin = await openAdmin(io, options)
  const changed = await admin.ask('changeRoom', {
    parts: { room },
    body: { ...changes, ...(dryRun ? { dryRun } : {}) },
  })
  const dropped = Object.entries(changed.droppedFrom).flatMap(([list, uris]) =>
    uris.map((uri) => `${dryRun ? 'would be dropped' : 'dropped'} from the ${list}: ${visible(uri)}\n`),
  )
  answer(io, options.json, changed, () =>
    dryRun
      ? [...dropped, dropped.length === 0 ? 'Nobody would be dropped. ' : '', 'Nothing was changed.\n'].join('')
      : [describe(changed), ...dropped].join(''),
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
  const names = (entries: readonly { uri: string }[]) => entries.map(({ uri }) => uri)
  return properties([
    ['name', room.name],
    ['uri', room.uri],
    ['category', room.category],
    ['description', room.description],
    ['topic', room.topic],
    ['privacy', room.privacy],
    ['type', room.type],
    ['invitations', room.invitations],
    ['add-in', room.addIn ?? ''],
    ['disabled', room.disabled ? 'yes' : 'no'],
    ['created', utc(room.createdAt)],
    ['members', names(room.members)],
    ['managers', names(room.managers)],
    ['presenters', names(room.presenters)],
  ])
}

function refuseBadName(name: string): void {
  const problem = roomNameProblem(name)
  if (problem) throw misused(`${JSON.stringify(name)}: ${problem}`)
}
