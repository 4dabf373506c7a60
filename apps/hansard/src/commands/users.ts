import type { User } from '@hansard/admin-contract'
import { accountNameProblem } from '@hansard/rooms'
import { openAdmin } from '../admin-client.ts'
import { misused } from '../command-failure.ts'
import { answer, type ExitCode, type Io } from '../io.ts'
import type { AddressOptions } from '../pool-address.ts'
import { readNewPassword } from '../prompt.ts'
import { table } from '../table.ts'

type Options = AddressOptions & { readonly json: boolean }

const PASSWORD_VARIABLE = 'HANSARD_PASSWORD'

/** Adds accounts: with a key each that the pool makes and tells once, or one with a password. */
export async function addUsers(
  io: Io,
  accounts: readonly string[],
  options: Options & { password: boolean; name?: string | undefined; email?: string | undefined },
): Promise<ExitCode> {
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
  const named = {
    ...(options.name === undefined ? {} : { displayName: options.name }),
    ...(options.email === undefined ? {} : { email: options.email }),
  }
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

export async function listUsers(io: Io, options: Options): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const users: User[] = []
  let after: string | undefined
  for (;;) {
    const page = await admin.ask('listUsers', { query: { after, limit: 1_000 } })
    users.push(...page.users)
    if (page.next === null) break
    after = page.next
  }
  answer(io, options.json, { users }, () =>
    table(
      ['ACCOUNT', 'URI', 'NAME', 'EMAIL', 'ROLE'],
      users.map((user) => [
        user.account,
        user.uri,
        user.displayName ?? '',
        user.email ?? '',
        user.operator ? 'operator' : '',
      ]),
    ),
  )
  return 0
}

export async function setPassword(io: Io, account: string, options: Options): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const password = await readNewPassword(io, { variable: PASSWORD_VARIABLE, account })
  const changed = await admin.ask('setPassword', { body: { account, password } })
  answer(io, options.json, changed, () => `The password of ${account} has been changed.\n`)
  return 0
}
