import type { AddUsersReply } from '@hansard/admin-contract'
import { hashPassword, keySecret, newKey, passwordProblem } from '@hansard/credentials'
import { findPrincipals, type Principal, principalIds } from '@hansard/pool-store'
import { accountNameProblem, principalUri } from '@hansard/rooms'
import type { Call, Handle } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { AdminProblem } from './problems.ts'
import { userDetail } from './show-users.ts'
import { unwrap } from './unwrap.ts'

/** Adds accounts that do not exist yet. Generated keys are returned once, here, and stored only as a hash. */
export const addUsers: Handle<'addUsers'> = async (deps, { actor, body: { users } }) => {
  checkUsers(users)
  for (const { account, password } of users)
    if (password !== undefined) await requireGoodPassword(deps, account, password)
  const keys = new Map<string, string>()
  const added = []
  for (const user of users) {
    // Without a password or key nobody can sign in: the secret is then a random key that is not returned.
    const key = newKey()
    if (user.generateKey) keys.set(user.account, key)
    added.push({
      account: user.account,
      domain: domainOf(deps, user),
      displayName: user.displayName ?? user.account,
      email: user.email,
      internal: user.internal ?? true,
      roles: [...new Set(user.roles)],
      secret: user.password === undefined ? keySecret(key) : await hashPassword(user.password),
    })
  }
  const { created } = await unwrap(deps.commands.addUsers(actor, { users: added }))
  const known = users.filter(({ account }) => !created.has(account))
  for (const { account } of known) keys.delete(account)
  const rotated = known.filter((user) => user.rotateKey).map((user) => user.account)
  for (const [account, key] of await rotateKeys(deps, actor, rotated)) keys.set(account, key)
  return { users: users.map((user) => entryOf(deps, user, { created, keys })) }
}

type Asked = Call<'addUsers'>['body']['users']

function checkUsers(users: Asked): void {
  const seen = new Set<string>()
  for (const { account, password, generateKey } of users) {
    const problem = accountNameProblem(account)
    if (problem) throw new AdminProblem('malformed', `${JSON.stringify(account)}: ${problem}`)
    if (seen.has(account)) throw new AdminProblem('malformed', `${JSON.stringify(account)} is there twice.`)
    if (password !== undefined && generateKey) {
      throw new AdminProblem('malformed', `${JSON.stringify(account)}: give a password or ask for a key, not both.`)
    }
    seen.add(account)
  }
}

/** New keys for existing accounts. Accounts with pool roles are excluded; `users passwd` changes those by name. */
async function rotateKeys(
  { poolDb, commands }: AdminApiDeps,
  actor: Principal,
  accounts: readonly string[],
): Promise<Map<string, string>> {
  const keys = new Map<string, string>()
  if (accounts.length === 0) return keys
  const ids = await principalIds(poolDb, accounts)
  const runs = [...(await findPrincipals(poolDb, [...ids.values()])).values()].find(({ roles }) => roles.length > 0)
  if (runs) {
    throw new AdminProblem(
      'conflict',
      `${JSON.stringify(runs.account)} runs the pool; its key is not rotated this way.`,
    )
  }
  for (const account of accounts) {
    const key = newKey()
    await unwrap(commands.setSecret(actor, { user: account, secret: keySecret(key) }))
    keys.set(account, key)
  }
  return keys
}

function entryOf(
  deps: AdminApiDeps,
  user: Asked[number],
  { created, keys }: { created: ReadonlySet<string>; keys: ReadonlyMap<string, string> },
): AddUsersReply['users'][number] {
  const key = keys.get(user.account)
  return {
    account: user.account,
    uri: principalUri(user.account, domainOf(deps, user)),
    created: created.has(user.account),
    ...(key === undefined ? {} : { key }),
  }
}

function domainOf({ domain }: AdminApiDeps, user: Asked[number]): string {
  return (user.domain ?? domain).toLowerCase()
}

/** Ends all sessions of an account. Its password or key stays. */
export const signOutUser: Handle<'signOutUser'> = async ({ commands, signIn }, { actor, path, remote }) => {
  const { id, account } = await unwrap(commands.signOutEverywhere(actor, { user: path['user']! }))
  const detail = `by ${actor.account}`
  signIn.record.note({ outcome: 'signed-out-everywhere', account, principalId: id, remote, detail })
  return { account }
}

async function requireGoodPassword(
  { passwordCharactersMin: charactersMin }: Pick<AdminApiDeps, 'passwordCharactersMin'>,
  account: string,
  password: string,
): Promise<void> {
  const problem = await passwordProblem(password, { account, charactersMin })
  if (problem !== undefined) throw new AdminProblem('invalid', problem)
}

export const changeUser: Handle<'changeUser'> = async (deps, { actor, path, body }) => {
  const user = path['user']!
  const { roles, ...changes } = body
  const wanted = roles && 'set' in roles ? roles.set : roles
  const { uri } = await unwrap(deps.commands.changeUser(actor, { user, ...changes, roles: wanted }))
  return userDetail(deps, uri)
}

/** Sets a password. Sessions that used the old one are signed out. */
export const setPassword: Handle<'setPassword'> = async (deps, { actor, body: { account, password } }) => {
  await requireGoodPassword(deps, account, password)
  const { commands } = deps
  await unwrap(commands.setSecret(actor, { user: account, secret: await hashPassword(password) }))
  return { account }
}
