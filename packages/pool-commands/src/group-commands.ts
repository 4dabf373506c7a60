import { groupUri, isKeepable, quoted, roomNameProblem } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { type CommandActor, type Context, changeEvents, difference, requireAdministrator } from './context.ts'
import { requireText } from './locked.ts'
import { BATCH, type ListChange, resolveListChange, urisOf } from './named-principals.ts'
import { ChangeRefused, type Result } from './result.ts'

/** Changes to groups. Administrators make them. */
export function groupCommands(context: Context) {
  const { bus, from, poolRoomId, domain } = context

  const announce = (rooms: readonly number[]) => {
    for (const room of rooms) bus.publish({ t: 'room-changed', room, from })
  }

  return {
    createGroup: (
      by: CommandActor,
      group: {
        name: string
        displayName?: string | undefined
        email?: string | undefined
        members?: readonly string[] | undefined
      },
    ): Promise<Result<{ id: number; uri: string }>> =>
      context.make(by, async (by, tx, at) => {
        requireAdministrator(by)
        const { name, displayName = name, email } = group
        const problem = roomNameProblem(name)
        if (problem) throw new ChangeRefused('invalid', problem.replace('A room name', 'A group’s name'))
        requireText('A display name', displayName, 256)
        requireText('An address', email, 320)
        const uri = groupUri(name, domain)
        if (await tx('principal').where({ uri }).first('id')) {
          throw new ChangeRefused('duplicate-name', `A group ${quoted(name)} already exists.`)
        }
        const columns = {
          account: uri,
          uri,
          display_name: displayName,
          email: email ?? null,
          type: 'group',
          secret: '',
        }
        const [row]: { id: number }[] = await tx('principal')
          .insert({ ...columns, domain, created_at: at })
          .returning('id')
        const id = row!.id
        const lists = await changeMembers(tx, id, { add: group.members ?? [] }, at)
        const events = changeEvents({
          roomId: poolRoomId,
          by,
          action: 'created',
          subject: { type: 'group', uri, name: displayName },
          after: { displayName, email: email ?? null, ...lists.after },
        })
        return { events, rights: [], result: { id, uri } }
      }),

    /** Changes a group. The rights of its members change with the commit. */
    async changeGroup(
      by: CommandActor,
      {
        group,
        displayName,
        members,
      }: { group: string; displayName?: string | undefined; members?: ListChange | undefined },
    ): Promise<Result<{ id: number; uri: string }>> {
      const result = await context.make(by, async (by, tx, at) => {
        requireAdministrator(by)
        requireText('A display name', displayName, 256)
        const { id, uri, name } = await lockGroup(tx, group, domain)
        const told = difference({ displayName: name }, { displayName })
        if (displayName !== undefined) await tx('principal').where({ id }).update({ display_name: displayName })
        const lists = members ? await changeMembers(tx, id, members, at) : { before: {}, after: {} }
        const events = changeEvents({
          roomId: poolRoomId,
          by,
          action: 'changed',
          subject: { type: 'group', uri, name: displayName ?? name },
          before: { ...told?.before, ...lists.before },
          after: { ...told?.after, ...lists.after },
        })
        const touched = told !== undefined || Object.keys({ ...lists.before, ...lists.after }).length > 0
        const rooms = members && touched ? await roomsThatMention(tx, await groupsHolding(tx, id)) : []
        return { events: touched ? events : [], rights: rooms, result: { id, uri, rooms } }
      })
      if (!result.ok) return result
      announce(result.value.rooms)
      return { ok: true, value: { id: result.value.id, uri: result.value.uri } }
    },

    /** Deletes a group, with everything that was granted to it. */
    async deleteGroup(by: CommandActor, { group }: { group: string }): Promise<Result<{ id: number; uri: string }>> {
      const result = await context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const { id, uri, name, email } = await lockGroup(tx, group, domain)
        const holding = await groupsHolding(tx, id)
        const rooms = await roomsThatMention(tx, holding)
        if (await isDenied(tx, holding)) {
          throw new ChangeRefused(
            'conflict',
            'A category denies the group, or a group that contains it. Remove it from that list first: deleting a group must not open a wall.',
          )
        }
        const members = await membersOf(tx, id)
        const events = await takeFromLists(tx, { id, uri, poolRoomId, by })
        await tx('group_member').where({ group_id: id }).orWhere({ member_id: id }).delete()
        await tx('principal').where({ id }).delete()
        const subject = { type: 'group' as const, uri, name }
        const before = { displayName: name, email, ...(members.length > 0 ? { members } : {}) }
        events.push(...changeEvents({ roomId: poolRoomId, by, action: 'deleted', subject, before }))
        return { events, rights: rooms, result: { id, uri, rooms } }
      })
      if (!result.ok) return result
      announce(result.value.rooms)
      return { ok: true, value: { id: result.value.id, uri: result.value.uri } }
    },
  }
}

async function lockGroup(
  tx: Knex.Transaction,
  group: string,
  domain: string,
): Promise<{ id: number; uri: string; name: string; email: string | null }> {
  if (!isKeepable(group)) throw new ChangeRefused('no-such-group', `There is no group ${quoted(group)}.`)
  const row: { id: number; uri: string; display_name: string; email: string | null } | undefined = await tx('principal')
    .where({ type: 'group' })
    .whereIn('uri', [group, groupUri(group, domain)])
    .first('id', 'uri', 'display_name', 'email')
  if (!row) throw new ChangeRefused('no-such-group', `There is no group ${quoted(group)}.`)
  return { id: row.id, uri: row.uri, name: row.display_name, email: row.email }
}

async function membersOf(tx: Knex.Transaction, groupId: number): Promise<string[]> {
  const rows: { uri: string }[] = await tx('group_member')
    .join('principal', 'principal.id', 'group_member.member_id')
    .where({ group_id: groupId })
    .orderBy('uri')
    .select('principal.uri')
  return rows.map(({ uri }) => uri)
}

async function changeMembers(tx: Knex.Transaction, groupId: number, change: ListChange, now: number) {
  const rows: { member_id: number }[] = await tx('group_member').where({ group_id: groupId }).select('member_id')
  const present = new Set(rows.map((row) => row.member_id))
  const { added, removed } = await resolveListChange(tx, change, present, now)
  const above = new Set(await groupsHolding(tx, groupId))
  const circle = added.find(({ id }) => above.has(id))
  if (circle)
    throw new ChangeRefused('invalid', `${quoted(circle.uri)} contains the group, so it cannot be a member of it.`)
  for (let at = 0; at < removed.length; at += 400) {
    const ids = removed.slice(at, at + 400).map(({ id }) => id)
    await tx('group_member').where({ group_id: groupId }).whereIn('member_id', ids).delete()
  }
  for (let at = 0; at < added.length; at += 400) {
    await tx('group_member').insert(added.slice(at, at + 400).map(({ id }) => ({ group_id: groupId, member_id: id })))
  }
  return {
    before: removed.length > 0 ? { members: urisOf(removed) } : {},
    after: added.length > 0 ? { members: urisOf(added) } : {},
  }
}

/** A group and all groups that contain it, at any depth: the identities that its members have through it. */
async function groupsHolding(tx: Knex.Transaction, groupId: number): Promise<number[]> {
  const rows: { id: number }[] = await tx
    .withRecursive('holding', (holding) => {
      holding
        .from('principal')
        .where({ id: groupId })
        .select('id')
        .union((above: Knex.QueryBuilder) =>
          above
            .from('group_member')
            .join('holding', 'holding.id', 'group_member.member_id')
            .select('group_member.group_id as id'),
        )
    })
    .from('holding')
    .orderBy('id')
    .select('id')
  return rows.map(({ id }) => id)
}

/** Rooms whose lists, or whose category's walls, name one of these. */
async function roomsThatMention(tx: Knex.Transaction, principals: readonly number[]): Promise<number[]> {
  const found = new Set<number>()
  for (let from = 0; from < principals.length; from += BATCH) {
    const named = principals.slice(from, from + BATCH)
    const walls = tx('category_scope').whereIn('principal_id', named).whereIn('list', ['allowed', 'denied'])
    const rows: { id: number }[] = await tx('room')
      .whereNull('deleted_at')
      .andWhere((either) =>
        either
          .whereIn('id', tx('room_role').whereIn('principal_id', named).select('room_id'))
          .orWhereIn('category_id', walls.select('category_id')),
      )
      .select('id')
    for (const { id } of rows) found.add(id)
  }
  return [...found].sort((a, b) => a - b)
}

async function isDenied(tx: Knex.Transaction, principals: readonly number[]): Promise<boolean> {
  for (let from = 0; from < principals.length; from += BATCH) {
    const named = principals.slice(from, from + BATCH)
    if (await tx('category_scope').whereIn('principal_id', named).andWhere({ list: 'denied' }).first('list'))
      return true
  }
  return false
}

const LIST_OF = { member: 'members', manager: 'managers', presenter: 'presenters' } as const
const SCOPE_OF = { allowed: 'allowed', denied: 'denied', creator: 'creators' } as const

/** Removes a group from every list that names it, each with its event. */
async function takeFromLists(
  tx: Knex.Transaction,
  { id, uri, poolRoomId, by }: { id: number; uri: string; poolRoomId: number; by: CommandActor },
) {
  const events = []
  const roles: { room_id: number; role: keyof typeof LIST_OF; room_uri: string; name: string }[] = await tx('room_role')
    .join('room', 'room.id', 'room_role.room_id')
    .where('room_role.principal_id', id)
    .orderBy('room_id')
    .select('room_role.room_id', 'room_role.role', 'room.uri as room_uri', 'room.name')
  for (const { room_id: roomId, role, room_uri: roomUri, name } of roles) {
    const subject = { type: 'room' as const, uri: roomUri, name }
    events.push(...changeEvents({ roomId, by, action: 'changed', subject, before: { [LIST_OF[role]]: [uri] } }))
  }
  const scopes: { list: keyof typeof SCOPE_OF; category_uri: string; name: string }[] = await tx('category_scope')
    .join('category', 'category.id', 'category_scope.category_id')
    .where('category_scope.principal_id', id)
    .orderBy('category.id')
    .select('category_scope.list', 'category.uri as category_uri', 'category.name')
  for (const { list, category_uri: categoryUri, name } of scopes) {
    const subject = { type: 'category' as const, uri: categoryUri, name }
    const before = { [SCOPE_OF[list]]: [uri] }
    events.push(...changeEvents({ roomId: poolRoomId, by, action: 'changed', subject, before }))
  }
  const groups: { group_uri: string; name: string }[] = await tx('group_member')
    .join('principal', 'principal.id', 'group_member.group_id')
    .where('group_member.member_id', id)
    .orderBy('principal.id')
    .select('principal.uri as group_uri', 'principal.display_name as name')
  for (const { group_uri: groupName, name } of groups) {
    const subject = { type: 'group' as const, uri: groupName, name }
    events.push(...changeEvents({ roomId: poolRoomId, by, action: 'changed', subject, before: { members: [uri] } }))
  }
  await tx('room_role').where({ principal_id: id }).delete()
  await tx('category_scope').where({ principal_id: id }).delete()
  return events
}
