import { AddGroupRequest, type AdminReplyOf, ChangeGroupRequest } from '@hansard/admin-contract'
import { allPages, openAdmin } from '../cli/admin-client.ts'
import { confirm } from '../cli/confirm.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { type GivenOptions, valuesOf } from '../cli/schema-options.ts'
import { properties, table } from '../cli/table.ts'
import { type PoolOptions, somethingNamed } from '../cli/verb.ts'

export async function addGroup(io: Io, name: string, options: PoolOptions & GivenOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const given = valuesOf(AddGroupRequest, options, { name: 'left out', email: 'left out' })
  const group = await admin.ask('addGroup', { body: { ...given, name } })
  answer(io, options.json, group, () => describe(group))
  return 0
}

export async function listGroups(io: Io, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const groups = await allPages(undefined, async (page) => {
    const reply = await admin.ask('listGroups', { query: page })
    return { entries: reply.groups, next: reply.next }
  })
  answer(io, options.json, { groups }, () =>
    table(
      ['GROUP', 'NAME', 'MEMBERS', 'URI'],
      groups.map(({ name, displayName, members, uri }) => [name, displayName, members, uri]),
    ),
  )
  return 0
}

export async function showGroup(io: Io, group: string, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const shown = await admin.ask('showGroup', { parts: { group } })
  answer(io, options.json, shown, () => describe(shown))
  return 0
}

export async function setGroup(io: Io, group: string, options: PoolOptions & GivenOptions): Promise<ExitCode> {
  const body = somethingNamed(valuesOf(ChangeGroupRequest, options), 'groups set')
  const admin = await openAdmin(io, options)
  const changed = await admin.ask('changeGroup', { parts: { group }, body })
  answer(io, options.json, changed, () => describe(changed))
  return 0
}

export async function removeGroup(io: Io, group: string, options: PoolOptions & { yes: boolean }): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  // Of a group that is not there nothing need be asked.
  if (!options.yes) await admin.ask('showGroup', { parts: { group } })
  await confirm(io, options, `Remove ${group}, and whatever was granted to it?`)
  const removed = await admin.ask('removeGroup', { parts: { group } })
  answer(io, options.json, removed, () => `${group} has been removed.\n`)
  return 0
}

function describe(group: AdminReplyOf<'showGroup'>): string {
  return properties([
    ['group', group.name],
    ['uri', group.uri],
    ['name', group.displayName],
    ['members', group.members.map(({ uri }) => uri)],
  ])
}
