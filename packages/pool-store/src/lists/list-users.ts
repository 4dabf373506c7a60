import type { PoolRole } from '@hansard/rooms'
import type { Database, Knex } from '@hansard/sql'
import { identitiesOf } from '../access/identities.ts'
import { findPrincipals, type Principal } from '../access/principals.ts'
import { whereLike } from './wildcard.ts'

/** Criteria for users; all given ones must match. */
type UserFilter = {
  /** a wildcard for account or display name */
  readonly name?: string | undefined
  readonly domain?: string | undefined
  readonly internal?: boolean | undefined
  readonly disabled?: boolean | undefined
  readonly role?: PoolRole | undefined
  /** identity of the policy granted to the user itself */
  readonly policy?: string | undefined
}
/** `policy`: of the policy granted to the user itself. */
export type UserRow = Principal & { readonly policy: string | null; readonly createdAt: number }

/** Users by account, after `after`. */
export async function listUsers(
  db: Database,
  { after = '', limit, filter = {} }: { after?: string | undefined; limit: number; filter?: UserFilter },
): Promise<UserRow[]> {
  const { name, domain, internal, disabled, role, policy } = filter
  const query = users(db.knex).andWhere('principal.account', '>', after).orderBy('principal.account').limit(limit)
  if (name !== undefined) whereLike(query, ['principal.account', 'principal.display_name'], name)
  if (domain !== undefined) query.andWhere('principal.domain', domain)
  if (internal !== undefined) query.andWhere('principal.internal', internal)
  if (disabled !== undefined) query.andWhere('principal.disabled', disabled)
  if (role !== undefined) query.whereIn('principal.id', db.knex('pool_role').where({ role }).select('principal_id'))
  if (policy !== undefined) query.andWhere('policy.identity', policy)
  return withRoles(db, await query)
}

export async function findUser(db: Database, by: { account: string } | { uri: string }): Promise<UserRow | undefined> {
  const [column, value] = Object.entries(by)[0]!
  return (await withRoles(db, await users(db.knex).andWhere(`principal.${column}`, value)))[0]
}

/** The groups that contain a principal, directly or through other groups. */
export async function groupsHolding(db: Database, principalId: number): Promise<{ uri: string; name: string }[]> {
  const ids = [...(await identitiesOf(db, principalId))]
  return db
    .knex('principal')
    .whereIn('id', ids)
    .andWhere({ type: 'group' })
    .orderBy('uri')
    .select('uri', 'display_name as name')
}

type Row = { id: number; policy: string | null; created_at: number }

function users(knex: Knex): Knex.QueryBuilder {
  return knex('principal')
    .leftJoin('policy', 'policy.id', 'principal.policy_id')
    .where('principal.type', 'user')
    .select('principal.id', 'policy.identity as policy', 'principal.created_at')
}

async function withRoles(db: Database, rows: readonly Row[]): Promise<UserRow[]> {
  const principals = await findPrincipals(
    db,
    rows.map((row) => row.id),
  )
  return rows.map(({ id, policy, created_at: createdAt }) => ({ ...principals.get(id)!, policy, createdAt }))
}
