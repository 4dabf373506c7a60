import type { User, UserDetail } from '@hansard/admin-contract'
import { findUser, groupsHolding, listUsers as listUsersOfPool, policyEnables, type UserRow } from '@hansard/pool-store'
import type { Handle } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { noSuch, pageOf, requireFilterNames, userBy } from './name-things.ts'

export const listUsers: Handle<'listUsers'> = async ({ poolDb }, { query }) => {
  const { after, limit, ...filter } = query
  await requireFilterNames(poolDb, { policy: filter.policy })
  const [page, next] = pageOf(
    await listUsersOfPool(poolDb, { after, limit: limit + 1, filter }),
    limit,
    (user) => user.account,
  )
  return { users: page.map(userOf), next }
}

export const showUser: Handle<'showUser'> = async (deps, { path }) => userDetail(deps, path['user']!)

export async function userDetail({ poolDb, pool }: AdminApiDeps, name: string): Promise<UserDetail> {
  const user = await findUser(poolDb, userBy(name))
  if (!user) throw noSuch('no-such-principal', 'user', name)
  return {
    ...userOf(user),
    groups: await groupsHolding(poolDb, user.id),
    enabled: await policyEnables(poolDb, { pool, principalId: user.id }),
    createdAt: user.createdAt,
  }
}

function userOf(user: UserRow): User {
  return {
    account: user.account,
    uri: user.uri,
    displayName: user.name,
    email: user.email ?? null,
    domain: user.domain,
    internal: user.internal,
    disabled: user.disabled,
    roles: [...user.roles],
    policy: user.policy,
  }
}
