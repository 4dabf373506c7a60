import type {
  AddUsersReply,
  AddUsersRequest,
  ListUsersReply,
  PageQuery,
  SetPasswordRequest,
} from '@hansard/admin-contract'
import { hashPassword, keySecret, newKey } from '@hansard/credentials'
import { createPrincipals, findPrincipal, listPrincipals, putSecret } from '@hansard/pool-store'
import { accountNameProblem, principalUri } from '@hansard/rooms'
import { AdminProblem } from './problems.ts'
import type { AdminApiParts } from './service.ts'

/** Adds accounts that do not exist yet. Generated keys are told once, here, and stored only as a hash. */
export async function addUsers(
  { poolDb, clock, domain }: Pick<AdminApiParts, 'poolDb' | 'clock' | 'domain'>,
  { users }: AddUsersRequest,
): Promise<AddUsersReply> {
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
  const now = clock.now()
  const keys = new Map<string, string>()
  const principals = []
  for (const user of users) {
    // Without a password or key the account cannot be signed in to: its secret is a key nobody was told.
    const key = newKey()
    if (user.generateKey) keys.set(user.account, key)
    principals.push({
      account: user.account,
      domain,
      displayName: user.displayName ?? user.account,
      email: user.email,
      role: 'participant' as const,
      secret: user.password === undefined ? keySecret(key) : await hashPassword(user.password),
      now,
    })
  }
  const created = await createPrincipals(poolDb, principals)
  for (const user of users) {
    if (created.has(user.account)) continue
    keys.delete(user.account)
    if (!user.rotateKey) continue
    // The operator's password is changed by name (`users passwd`), never as one of a thousand.
    if ((await findPrincipal(poolDb, { account: user.account }))?.role === 'operator') {
      throw new AdminProblem(
        'conflict',
        `${JSON.stringify(user.account)} runs the pool; its key is not rotated this way.`,
      )
    }
    const key = newKey()
    await putSecret(poolDb, { account: user.account, secret: keySecret(key) })
    keys.set(user.account, key)
  }
  return {
    users: users.map(({ account }) => ({
      account,
      uri: principalUri(account, domain),
      created: created.has(account),
      ...(keys.has(account) ? { key: keys.get(account)! } : {}),
    })),
  }
}

export async function listUsers(
  { poolDb }: Pick<AdminApiParts, 'poolDb'>,
  { after, limit }: PageQuery,
): Promise<ListUsersReply> {
  const found = await listPrincipals(poolDb, { after, limit: limit + 1 })
  const page = found.slice(0, limit)
  return {
    users: page.map((principal) => ({
      account: principal.account,
      uri: principal.uri,
      displayName: principal.name,
      email: principal.email ?? null,
      operator: principal.role === 'operator',
    })),
    next: found.length > limit ? page.at(-1)!.account : null,
  }
}

/** Sets a password. Whoever is signed in with the old one keeps the connection and cannot make another. */
export async function setPassword(
  { poolDb }: Pick<AdminApiParts, 'poolDb'>,
  { account, password }: SetPasswordRequest,
) {
  const found = await putSecret(poolDb, { account, secret: await hashPassword(password) })
  if (!found) throw new AdminProblem('not-found', `There is no account ${JSON.stringify(account)}.`)
  return { account }
}
