import { principalUri } from '@hansard/rooms'
import type { Database } from '@hansard/sql'

/** Who may sign in. `participant` talks; `operator` also runs the pool. */
export type Principal = {
  readonly id: number
  readonly account: string
  readonly uri: string
  readonly name: string
  readonly email: string | undefined
  readonly internal: boolean
  readonly role: PrincipalRole
  readonly disabled: boolean
  readonly credentialVersion: number
}
export type PrincipalRole = 'participant' | 'operator'

export type NewPrincipal = {
  readonly account: string
  readonly domain: string
  readonly displayName: string
  readonly email?: string | undefined
  readonly role: PrincipalRole
  readonly secret: string
  readonly now: number
}

/** Creates those accounts that do not exist yet; answers the accounts created. */
export async function createPrincipals(db: Database, principals: readonly NewPrincipal[]): Promise<Set<string>> {
  const created = new Set<string>()
  await db.knex.transaction(async (tx) => {
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
      // Another administrator may create the same account in this moment: theirs then stands.
      const inserted: { account: string }[] = await tx('principal')
        .insert(
          missing.map((p) => ({
            account: p.account,
            uri: principalUri(p.account, p.domain),
            display_name: p.displayName,
            email: p.email ?? null,
            internal: true,
            role: p.role,
            secret: p.secret,
            created_at: p.now,
          })),
        )
        .onConflict()
        .ignore()
        .returning('account')
      for (const row of inserted) created.add(row.account)
    }
  })
  return created
}

/** Replaces the secret; tokens signed with the old one are refused from now on. False when there is no such account. */
export async function putSecret(
  db: Database,
  { account, secret }: { account: string; secret: string },
): Promise<boolean> {
  const changed = await db
    .knex('principal')
    .where({ account })
    .update({ secret, credential_version: db.knex.raw('credential_version + 1') })
  return changed === 1
}

export async function findPrincipal(
  db: Database,
  by: { account: string } | { id: number },
): Promise<(Principal & { readonly secret: string }) | undefined> {
  const row: PrincipalRow | undefined = await db.knex('principal').where(by).first()
  return row && { ...principalOf(row), secret: row.secret }
}

export async function findPrincipals(db: Database, ids: readonly number[]): Promise<Map<number, Principal>> {
  const found = new Map<number, Principal>()
  for (let from = 0; from < ids.length; from += BATCH) {
    const rows: PrincipalRow[] = await db.knex('principal').whereIn('id', ids.slice(from, from + BATCH))
    for (const row of rows) found.set(row.id, principalOf(row))
  }
  return found
}

/** The ids of those accounts that exist. */
export async function principalIds(db: Database, accounts: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (let from = 0; from < accounts.length; from += BATCH) {
    const rows: { id: number; account: string }[] = await db
      .knex('principal')
      .whereIn('account', accounts.slice(from, from + BATCH))
      .select('id', 'account')
    for (const row of rows) found.set(row.account, row.id)
  }
  return found
}

/** Accounts in the order of their names, those after `after`. */
export async function listPrincipals(
  db: Database,
  { after = '', limit }: { after?: string | undefined; limit: number },
): Promise<Principal[]> {
  const rows: PrincipalRow[] = await db.knex('principal').where('account', '>', after).orderBy('account').limit(limit)
  return rows.map(principalOf)
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
  role: PrincipalRole
  secret: string
  credential_version: number
  disabled: boolean | number
}

function principalOf(row: PrincipalRow): Principal {
  return {
    id: row.id,
    account: row.account,
    uri: row.uri,
    name: row.display_name,
    email: row.email ?? undefined,
    internal: Boolean(row.internal),
    role: row.role,
    disabled: Boolean(row.disabled),
    credentialVersion: row.credential_version,
  }
}
