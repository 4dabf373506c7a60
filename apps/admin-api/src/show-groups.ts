import type { Group, GroupDetail } from '@hansard/admin-contract'
import { type GroupRow, listGroups as listGroupsOfPool, membersOf } from '@hansard/pool-store'
import type { Handle } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { groupBy, noSuch, pageOf, principalIdOf } from './name-things.ts'

export const listGroups: Handle<'listGroups'> = async ({ poolDb }, { query }) => {
  const { after, limit, name, member } = query
  const holding = member === undefined ? undefined : await principalIdOf(poolDb, member)
  const found = await listGroupsOfPool(poolDb, { after, limit: limit + 1, name, holding })
  const [page, next] = pageOf(found, limit, (group) => group.uri)
  return { groups: page.map(groupOf), next }
}

export const showGroup: Handle<'showGroup'> = async (deps, { path }) => groupDetail(deps, path['group']!)

export async function groupDetail({ poolDb, domain }: AdminApiDeps, name: string): Promise<GroupDetail> {
  const [group] = await listGroupsOfPool(poolDb, { limit: 1, uri: groupBy(name, domain) })
  if (!group) throw noSuch('no-such-group', 'group', name)
  return { ...groupOf(group), createdAt: group.createdAt, members: await membersOf(poolDb, group.id) }
}

function groupOf({ uri, displayName, members }: GroupRow): Group {
  return { uri, name: nameOfGroup(uri), displayName, members }
}

/** The name in `ma-grp:<name>@<domain>`. */
function nameOfGroup(uri: string): string {
  const escaped = uri.slice('ma-grp:'.length, uri.lastIndexOf('@'))
  try {
    return decodeURIComponent(escaped)
  } catch {
    return escaped
  }
}
