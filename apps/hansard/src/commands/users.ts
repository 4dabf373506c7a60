import type { AdminReplyOf } from '@hansard/admin-contract'
import { accountNameProblem, type PoolRole } from '@hansard/rooms'
import { allPages, openAdmin } from '../admin-client.ts'
import { misused } from '../command-failure.ts'
import { answer, type ExitCode, type Io } from '../io.ts'
import { readNewPassword } from '../prompt.ts'
import { properties, table } from '../table.ts'
import { isOn, type PoolOptions, said } from '../verbs/verb.ts'

const PASSWORD_VARIABLE = 'HANSARD_PASSWORD'

export type AddUsersOptions = PoolOptions & {
  readonly password: boolean
  readonly name?: string
  readonly email?: string
  readonly domain?: string
  readonly partner: boolean
  readonly role: readonly string[]
}

/** Adds accounts: with a key each that the pool makes and tells once, or one with a password. */
export async function addUsers(io: Io, accounts: readonly string[], options: AddUsersOptions): Promise<ExitCode> {
  for (const account of accounts) {
    const problem = accountNameProblem(account)
    if (problem) throw misused(`${JSON.stringify(account)}: ${problem}`)
  }
  const [first, ...others] = accounts
  if (others.length > 0 && (options.password || options.name !== undefined || options.email !== undefined))
    throw misused('--password, --name and --email are for one account at a time.')
  const admin = await openAdmin(io, options)
  const secret = options.password
    ? { password: await readNewPassword(io, { variable: PASSWORD_VARIABLE, account: first! }) }
    : { generateKey: true }
  const { name, email, domain, partner, role } = options
  const named = said({
    displayName: name,
    email,
    domain,
    internal: partner ? false : undefined,
    roles: role as PoolRole[],
  })
  const body = { users: accounts.map((account) => ({ account, ...named, ...secret })) }
  const { users } = await admin.ask('addUsers', { body })
  answer(io, options.json, { users }, () =>
    users
      .map(({ account, uri, created, key }) => {
        if (!created) return `${account}  exists already (${uri}); nothing was changed\n`
        return `${account}  ${uri}${key === undefined ? '' : `  key ${key}`}\n`
      })
      .join(''),
  )
  return users.every(({ created }) => created) ? 0 : 1
}

export type ListUsersOptions = PoolOptions & {
  readonly filter?: string
  readonly role?: PoolRole
  readonly disabled?: 'on' | 'off'
  readonly domain?: string
  readonly policy?: string
}

export async function listUsers(io: Io, options: ListUsersOptions): Promise<ExitCode> {
  const { filter, role, domain, policy } = options
  const disabled = isOn(options.disabled)
  const admin = await openAdmin(io, options)
  const query = said({
    name: filter,
    role,
    domain,
    policy,
    disabled: disabled === undefined ? undefined : disabled ? ('true' as const) : ('false' as const),
  })
  const users = await allPages(undefined, async (page) => {
    const reply = await admin.ask('listUsers', { query: { ...query, ...page } })
    return { entries: reply.users, next: reply.next }
  })
  answer(io, options.json, { users }, () =>
    table(
      ['ACCOUNT', 'URI', 'NAME', 'EMAIL', 'ROLES'],
      users.map((user) => [
        user.account,
        user.uri,
        user.displayName ?? '',
        user.email ?? '',
        [...user.roles, ...(user.disabled ? ['disabled'] : [])].join(', '),
      ]),
    ),
  )
  return 0
}

export async function showUser(io: Io, user: string, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const shown = await admin.ask('showUser', { parts: { user } })
  answer(io, options.json, shown, () => describe(shown))
  return 0
}

export type SetUserOptions = PoolOptions & {
  readonly name?: string
  readonly email?: string | false
  readonly disabled?: 'on' | 'off'
  readonly partner?: 'on' | 'off'
  readonly addRole: readonly string[]
  readonly removeRole: readonly string[]
}

export async function setUser(io: Io, user: string, options: SetUserOptions): Promise<ExitCode> {
  const partner = isOn(options.partner)
  const roles = said({ add: options.addRole as PoolRole[], remove: options.removeRole as PoolRole[] })
  const body = said({
    displayName: options.name,
    // Commander's default of a negatable option is true.
    email: options.email === false ? null : typeof options.email === 'string' ? options.email : undefined,
    disabled: isOn(options.disabled),
    internal: partner === undefined ? undefined : !partner,
    roles: Object.keys(roles).length > 0 ? roles : undefined,
  })
  if (Object.keys(body).length === 0) throw misused('Nothing to change was named.', 'See `hansard users set --help`.')
  const admin = await openAdmin(io, options)
  const changed = await admin.ask('changeUser', { parts: { user }, body })
  answer(io, options.json, changed, () => describe(changed))
  return 0
}

export async function setPassword(io: Io, account: string, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const password = await readNewPassword(io, { variable: PASSWORD_VARIABLE, account })
  const changed = await admin.ask('setPassword', { body: { account, password } })
  answer(io, options.json, changed, () => `The password of ${account} has been changed.\n`)
  return 0
}

export async function signOutUser(io: Io, user: string, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const ended = await admin.ask('signOutUser', { parts: { user } })
  answer(io, options.json, ended, () => `All sessions of ${ended.account} have ended.\n`)
  return 0
}

function describe(user: AdminReplyOf<'showUser'>): string {
  return properties([
    ['account', user.account],
    ['uri', user.uri],
    ['name', user.displayName ?? ''],
    ['email', user.email ?? ''],
    ['internal', user.internal ? 'yes' : 'no'],
    ['roles', user.roles],
    ['groups', user.groups.map(({ name }) => name)],
    ['policy', user.policy ?? ''],
    ['disabled', user.disabled ? 'yes' : 'no'],
    ['may use the pool', user.disabled ? 'no: the account is disabled' : user.enabled ? 'yes' : 'no: a policy says so'],
  ])
}
