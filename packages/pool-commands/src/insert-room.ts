import { identitiesOf } from '@hansard/pool-store'
import { isKeepable, newRoomUri, quoted, type RoomInvitations, type RoomPrivacy, type RoomType } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { type CommandActor, type Context, changeEvents, isAdministrator, type Properties } from './context.ts'
import { INVITED_NOBODY, invite } from './invite.ts'
import { type LockedCategory, requireText } from './locked.ts'
import { ChangeRefused } from './result.ts'
import { applyRoles, rolesTold } from './room-roles.ts'

export type RoomProperties = {
  readonly description?: string | undefined
  readonly topic?: string | undefined
  readonly type?: RoomType | undefined
  readonly privacy?: RoomPrivacy | undefined
  readonly invitations?: RoomInvitations | undefined
  /** name of a registered add-in; null for none */
  readonly addIn?: string | null | undefined
}
export type RoomToInsert = RoomProperties & {
  readonly name: string
  readonly category: string
  readonly disabled?: boolean | undefined
  readonly members?: readonly string[] | undefined
  readonly managers?: readonly string[] | undefined
  readonly presenters?: readonly string[] | undefined
  /** an existing room of that name gains the members and is otherwise unchanged (administrators) */
  readonly ifAbsent?: boolean | undefined
}

/** Inserts a validated room, with its lists, its event and its invitations. */
export async function insertRoom(
  tx: Knex.Transaction,
  { domain }: Context,
  room: RoomToInsert,
  category: LockedCategory,
  by: CommandActor,
  at: number,
) {
  requireText('A description', room.description, 256)
  requireText('A topic', room.topic, 256)
  const { name, description = '', topic = '', type = 'normal', privacy = 'closed', invitations = 'inherit' } = room
  const { disabled = false, addIn = null } = room
  const uri = newRoomUri(domain)
  const columns = { uri, name, description, topic, type, privacy, invitations, disabled }
  const [row]: { id: number }[] = await tx('room')
    .insert({ ...columns, category_id: category.id, add_in_id: await findAddIn(tx, addIn), created_at: at })
    .returning('id')
  const id = row!.id
  // The creator manages the room and may join it, except for the pool itself and an administrator outside the wall. The
  // administrator role opens no room: an administrator who wants to read becomes a member by name, on record.
  const creator = (await isWithin(tx, category, by)) ? [by.uri] : []
  const managers = [...(room.managers ?? []), ...creator]
  const members = [...(room.members ?? []), ...(privacy === 'open' || isAdministrator(by) ? [] : creator)]
  const target = { id, categoryId: category.id, type, open: privacy === 'open' }
  const changed = await applyRoles(
    tx,
    target,
    {
      members: { add: members },
      managers: { add: managers },
      presenters: { add: room.presenters ?? [] },
    },
    by,
    at,
  )
  const after: Properties = {
    name,
    description,
    topic,
    type,
    privacy,
    invitations,
    disabled,
    addIn,
    category: category.uri,
  }
  const subject = { type: 'room' as const, uri, name }
  const events = changeEvents({
    roomId: id,
    by,
    action: 'created',
    subject,
    after: { ...after, ...rolesTold(changed).after },
  })
  const invites = category.invitations && invitations === 'inherit'
  const invited = invites
    ? await invite(tx, { roomId: id, categoryId: category.id, added: changed.members.added, by, at })
    : INVITED_NOBODY
  return { id, uri, events, invited }
}

async function isWithin(tx: Knex.Transaction, category: LockedCategory, by: CommandActor): Promise<boolean> {
  if (by.id === 0) return false
  const identities = await identitiesOf(tx, by.id)
  const meets = (ids: ReadonlySet<number>) => [...identities].some((id) => ids.has(id))
  return meets(category.scope.allowed) && !meets(category.scope.denied)
}

export async function findAddIn(
  tx: Knex.Transaction,
  name: string | null | undefined,
): Promise<number | null | undefined> {
  if (name === null || name === undefined) return name
  const row: { id: number } | undefined = isKeepable(name) ? await tx('add_in').where({ name }).first('id') : undefined
  if (!row) throw new ChangeRefused('no-such-add-in', `There is no add-in ${quoted(name)}.`)
  return row.id
}
