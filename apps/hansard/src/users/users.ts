import { type AdminReplyOf, ChangeUserRequest, ListUsersQuery, NewUser } from '@hansard/admin-contract'
import { accountNameProblem } from '@hansard/rooms'
import { allPages, inBatches, openAdmin } from '../cli/admin-client.ts'
import { misused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { readNewPassword } from '../cli/prompt.ts'
import { type GivenOptions, valuesOf } from '../cli/schema-options.ts'
import { properties, table } from '../cli/table.ts'
import { isOn, type PoolOptions, somethingNamed } from '../cli/verb.ts'
import { CHANGE_USER_TEXTS, LIST_USERS_TEXTS, NEW_USER_TEXTS } from './user-texts.ts'

const PASSWORD_VARIABLE = 'HANSARD_PASSWORD'

export type AddUsersOptions = PoolOptions & GivenOptions & { readonly password: boolean; readonly partner: boolean }

/** Adds accounts: with a key each that the pool makes and tells once, or one with a password. */
export async function addUsers(io: Io, accounts: readonly string[], options: AddUsersOptions): Promise<ExitCode> {
  for (const account of accounts) {
    const problem = accountNameProblem(account)
    if (problem) throw misused(`${JSON.stringify(account)}: ${problem}`)
    // The pool keeps such names, since logs that are replayed and other pools have them. Nobody should be given one.
    if (/\s/.test(account))
      throw misused(
        `${JSON.stringify(account)}: An account name may not hold a space.`,
        'The display name may: --name.',
      )
  }
  const named = valuesOf(NewUser, options, NEW_USER_TEXTS)
  const [first, ...others] = accounts
  if (others.length > 0 && (options.password || named.displayName !== undefined || named.email !== undefined))
    throw misused('--password, --name and --email are for one account at a time.')
  const admin = await openAdmin(io, options)
  const secret = options.password
    ? { password: await readNewPassword(io, { variable: PASSWORD_VARIABLE, account: first! }) }
    : { generateKey: true }
  const common = { ...named, ...(options.partner ? { internal: false } : {}), ...secret }
  const users = await inBatches(accounts, async (batch) => {
    const reply = await admin.ask('addUsers', { body: { users: batch.map((account) => ({ account, ...common })) } })
    return reply.users
  })
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

export async function listUsers(io: Io, options: PoolOptions & GivenOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const query = valuesOf(ListUsersQuery, options, LIST_USERS_TEXTS)
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

export type SetUserOptions = PoolOptions & GivenOptions & { readonly partner?: 'on' | 'off' }

export async function setUser(io: Io, user: string, options: SetUserOptions): Promise<ExitCode> {
  const partner = isOn(options.partner)
  const given = valuesOf(ChangeUserRequest, options, CHANGE_USER_TEXTS)
  const body = somethingNamed({ ...given, ...(partner === undefined ? {} : { internal: !partner }) }, 'users set')
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
