import { type PoolRole, principalUri } from '@hansard/rooms'
import { type Database, gathered, type Knex, keyedRead } from '@hansard/sql'
import { forgetDevices } from './known-devices.ts'

/** An account that may sign in. `roles` are its administrative roles in the pool. */
export type Principal = {
  readonly id: number
  readonly account: string
  readonly uri: string
  readonly name: string
  readonly email: string | undefined
  readonly internal: boolean
  readonly roles: readonly PoolRole[]
  readonly domain: string
  readonly disabled: boolean
  readonly credentialVersion: number
}

export type NewPrincipal = {
  readonly account: string
  readonly domain: string
  readonly displayName: string
  readonly email?: string | undefined
  /** false for a partner's principal */
  readonly internal?: boolean
  readonly roles?: readonly PoolRole[]
  readonly secret: string
  readonly now: number
}

/** Creates the accounts that do not exist yet; returns those created. */
export async function createPrincipals(
  knex: Knex | Knex.Transaction,
  principals: readonly NewPrincipal[],
): Promise<Set<string>> {
  const created = new Set<string>()
  await knex.transaction(async (tx) => {
    for (let from = 0; from < principals.length; from += BATCH) {
      const batch = principals.slice(from, from + BATCH)
      const existing: { account: string }[] = await tx('principal')
        .whereIn(
          'account',
          batch.map((p) => p.account),
        )
        .select('account')
      const known = new Set(existing.map((row) => row.account))
      const missing = batch.filter((p) => !known.has(p.account))
      if (missing.length === 0) continue
      // Another administrator may create the same account concurrently: theirs is kept.
      const inserted: { id: number; account: string }[] = await tx('principal')
        .insert(
          missing.map((p) => ({
            account: p.account,
            uri: principalUri(p.account, p.domain),
            display_name: p.displayName,
            email: p.email ?? null,
            internal: p.internal ?? true,
            type: 'user',
            domain: p.domain,
            secret: p.secret,
            created_at: p.now,
          })),
        )
        .onConflict()
        .ignore()
        .returning(['id', 'account'])
      const roles = inserted.flatMap(({ id, account }) => {
        created.add(account)
        const { roles: held = [] } = missing.find((p) => p.account === account)!
        return [...new Set(held)].map((role) => ({ principal_id: id, role }))
      })
      if (roles.length > 0) await tx('pool_role').insert(roles)
    }
  })
  return created
}

/**
 * Replaces the secret; tokens signed under the old one are refused from now on. False when there is no such account.
 */
export async function putSecret(
  knex: Knex | Knex.Transaction,
  { account, secret }: { account: string; secret: string },
): Promise<boolean> {
  const changed: { id: number }[] = await knex('principal')
    .where({ account, type: 'user' })
    .update({ secret, credential_version: knex.raw('credential_version + 1') })
    .returning('id')
  for (const { id } of changed) await forgetDevices(knex, id)
  return changed.length === 1
}

/** Ends all sessions of an account: all tokens issued so far are refused. */
export async function endAllSessions(knex: Knex | Knex.Transaction, id: number): Promise<void> {
  await knex('principal')
    .where({ id, type: 'user' })
    .update({ credential_version: knex.raw('credential_version + 1') })
  await forgetDevices(knex, id)
}

/** A user. Groups and domains cannot sign in and are not found here. */
export async function findPrincipal(
  db: Database | Knex.Transaction,
  by: { account: string } | { id: number } | { uri: string },
): Promise<(Principal & { readonly secret: string }) | undefined> {
  if ('dialect' in db && 'account' in by) return byAccount(db, by.account)
  if ('dialect' in db && 'id' in by) return byId(db, by.id)
  const [column, key] = Object.entries(by)[0] as [keyof typeof readPrincipals, never]
  return (await findUsers(db, column, [key])).get(key)
}

type User = Principal & { readonly secret: string }
const byAccount = gathered<string, User>((db, keys) => findUsers(db, 'account', keys))
const byId = gathered<number, User>((db, keys) => findUsers(db, 'id', keys))

// No condition on the type: PostgreSQL may combine its index with that of the keys, and then reads all users.
const principalsBy = (column: string) => `
  select principal.id, principal.account, principal.uri, principal.display_name, principal.email, principal.internal,
         principal.type, principal.domain, principal.secret, principal.credential_version, principal.disabled,
         pool_role.role
  from principal left join pool_role on pool_role.principal_id = principal.id
  where ${column} in (:keys) order by principal.id, pool_role.role`
type RowForRole = PrincipalRow & { readonly role: PoolRole | null }
const readPrincipals = {
  account: keyedRead<string, RowForRole>({
    name: 'principals-by-account',
    keys: 'text',
    text: principalsBy('principal.account'),
  }),
  uri: keyedRead<string, RowForRole>({ name: 'principals-by-uri', keys: 'text', text: principalsBy('principal.uri') }),
  id: keyedRead<number, RowForRole>({ name: 'principals-by-id', keys: 'int', text: principalsBy('principal.id') }),
}

/** One statement for any number of accounts. */
async function findUsers<Column extends keyof typeof readPrincipals>(
  db: Database | Knex.Transaction,
  column: Column,
  keys: readonly PrincipalRow[Column][],
): Promise<Map<PrincipalRow[Column], User>> {
  const read = readPrincipals[column] as (from: typeof db, keys: readonly unknown[]) => Promise<RowForRole[]>
  // PostgreSQL cannot store U+0000, so no name contains it.
  const rows = await read(
    db,
    keys.filter((key) => typeof key !== 'string' || !key.includes('\0')),
  )
  const found = new Map<PrincipalRow[Column], User>()
  for (const [row, roles] of oneEach(rows)) {
    if (row.type === 'user') found.set(row[column], { ...principalOf(row, roles), secret: row.secret })
  }
  return found
}

/** Joins rows of principals, one per role, into principals with their roles. */
function oneEach<Row extends { id: number; role: PoolRole | null }>(rows: readonly Row[]): Map<Row, PoolRole[]> {
  const found = new Map<Row, PoolRole[]>()
  let current: Row | undefined
  for (const row of rows) {
    if (current?.id !== row.id) {
      current = row
      found.set(row, [])
    }
    if (row.role !== null) found.get(current)!.push(row.role)
  }
  return found
}

export async function findPrincipals(
  db: Database | Knex.Transaction,
  ids: readonly number[],
): Promise<Map<number, Principal>> {
  const found = new Map<number, Principal>()
  for (let from = 0; from < ids.length; from += BATCH) {
    for (const [row, roles] of oneEach(await readPrincipals.id(db, ids.slice(from, from + BATCH))))
      found.set(row.id, principalOf(row, roles))
  }
  return found
}

/** Ids of the named accounts that exist. */
export async function principalIds(db: Database, accounts: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (let from = 0; from < accounts.length; from += BATCH) {
    const rows: { id: number; account: string }[] = await db
      .knex('principal')
      .where({ type: 'user' })
      .whereIn('account', accounts.slice(from, from + BATCH))
      .select('id', 'account')
    for (const row of rows) found.set(row.account, row.id)
  }
  return found
}

/** Ids of the named users that exist. */
export async function principalIdsByUri(db: Database, uris: readonly string[]): Promise<number[]> {
  const found: { id: number }[] = await db
    .knex('principal')
    .where({ type: 'user' })
    // PostgreSQL cannot store U+0000, so no name contains it.
    .whereIn(
      'uri',
      [...new Set(uris)].filter((uri) => !uri.includes('\0')),
    )
    .select('id')
  return found.map((row) => row.id)
}

// knex writes a multi-row insert for SQLite as a compound select, which has at most 500 terms.
const BATCH = 400

type PrincipalRow = {
  id: number
  account: string
  uri: string
  display_name: string
  email: string | null
  internal: boolean | number
  type: string
  domain: string
  secret: string
  credential_version: number
  disabled: boolean | number
}

function principalOf(row: PrincipalRow, roles: readonly PoolRole[]): Principal {
  return {
    id: row.id,
    account: row.account,
    uri: row.uri,
    name: row.display_name,
    email: row.email ?? undefined,
    internal: Boolean(row.internal),
    roles,
    domain: row.domain,
    disabled: Boolean(row.disabled),
    credentialVersion: row.credential_version,
  }
}
