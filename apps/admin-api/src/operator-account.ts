import { OPERATOR_ACCOUNT } from '@hansard/admin-contract'
import { hashPassword, keySecret, newKey, passwordProblem, verifySecret } from '@hansard/credentials'
import { type PoolCommands, poolActor } from '@hansard/pool-commands'
import { findPrincipal } from '@hansard/pool-store'
import { POOL_ROLES } from '@hansard/rooms'
import type { Database } from '@hansard/sql'
import { unwrap } from './unwrap.ts'

/**
 * `created`: `oneTimePassword` was generated, because the caller chose none. It is stored nowhere else, so the caller
 * must be certain to print it. `kept`: the account existed. `passwordDiffers`: the password the caller chose is not
 * its password.
 */
export type OperatorAccount =
  | { readonly outcome: 'created'; readonly oneTimePassword: string | undefined }
  | { readonly outcome: 'kept'; readonly passwordDiffers: boolean }

type ChosenPassword = { readonly password: string | undefined; readonly charactersMin: number }

/** Throws when the first account is to be created with a password that is refused. Called before the service listens. */
export async function requireOperatorPassword(poolDb: Database, chosen: ChosenPassword): Promise<void> {
  if (chosen.password === undefined || (await findPrincipal(poolDb, { account: OPERATOR_ACCOUNT }))) return
  await requirePassword(chosen.password, { account: OPERATOR_ACCOUNT, charactersMin: chosen.charactersMin })
}

async function requirePassword(
  password: string | undefined,
  options: { account: string; charactersMin: number },
): Promise<void> {
  const problem = password === undefined ? undefined : await passwordProblem(password, options)
  if (problem !== undefined) throw new OperatorPasswordRefused(problem)
}

/** The password of the first account cannot be used; an operator must choose another. */
class OperatorPasswordRefused extends Error {
  override name = 'OperatorPasswordRefused'
  readonly exitCode = 2
  constructor(problem: string) {
    super(`The operator's password (HANSARD_ADMIN_PASSWORD) is refused: ${problem}`)
  }
}

/** Creates the first account, with every role, as a change by the pool itself. Does not change an existing account. */
export async function createOperator(
  { poolDb, commands }: { poolDb: Database; commands: PoolCommands },
  { account, domain, password, charactersMin }: { account: string; domain: string } & ChosenPassword,
): Promise<OperatorAccount> {
  const existing = await findPrincipal(poolDb, { account })
  if (existing) {
    const passwordDiffers = password !== undefined && !(await verifySecret(password, existing.secret))
    return { outcome: 'kept', passwordDiffers }
  }
  await requirePassword(password, { account, charactersMin })
  const key = newKey()
  const secret = password === undefined ? keySecret(key) : await hashPassword(password)
  const operator = { account, domain, displayName: 'Operator', roles: POOL_ROLES, secret }
  const { created } = await unwrap(commands.addUsers(poolActor(domain), { users: [operator] }))
  // Another process on the same database was faster: its password applies.
  if (!created.has(account)) return { outcome: 'kept', passwordDiffers: password !== undefined }
  return { outcome: 'created', oneTimePassword: password === undefined ? key : undefined }
}
