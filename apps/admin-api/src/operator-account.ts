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

/** Creates the first account, with every role, as a change by the pool itself. Does not change an existing account. */
export async function createOperator(
  { poolDb, commands }: { poolDb: Database; commands: PoolCommands },
  { account, domain, password }: { account: string; domain: string; password: string | undefined },
): Promise<OperatorAccount> {
  const existing = await findPrincipal(poolDb, { account })
  if (existing) {
    const passwordDiffers = password !== undefined && !(await verifySecret(password, existing.secret))
    return { outcome: 'kept', passwordDiffers }
  }
  const problem = password === undefined ? undefined : await passwordProblem(password, { account })
  if (problem) throw new Error(`The operator's password (HANSARD_ADMIN_PASSWORD) is refused: ${problem}`)
  const key = newKey()
  const secret = password === undefined ? keySecret(key) : await hashPassword(password)
  const operator = { account, domain, displayName: 'Operator', roles: POOL_ROLES, secret }
  const { created } = await unwrap(commands.addUsers(poolActor(domain), { users: [operator] }))
  // Another process on the same database was faster: its password applies.
  if (!created.has(account)) return { outcome: 'kept', passwordDiffers: password !== undefined }
  return { outcome: 'created', oneTimePassword: password === undefined ? key : undefined }
}
