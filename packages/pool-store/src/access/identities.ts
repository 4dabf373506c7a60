import { type Database, gathered, type Knex, keyedRead } from '@hansard/sql'
import type { Actor } from '../record/number-facts.ts'

/**
 * Ids of the identities a principal acts under: itself, its domain, and every group that contains one of these,
 * however deeply nested. Rights may be granted to any of them.
 */
export async function identitiesOf(db: Database | Knex.Transaction, principalId: number): Promise<Set<number>> {
  const found = 'dialect' in db ? await identitiesShared(db, principalId) : await identitiesInside(db, principalId)
  return found ?? new Set([principalId])
}

const identitiesShared = gathered(identitiesOfMany)
const identitiesInside = async (tx: Knex.Transaction, id: number) => (await identitiesOfMany(tx, [id])).get(id)

/** The same for many principals, in few statements. */
export async function identitiesOfMany(
  db: Database | Knex.Transaction,
  principalIds: readonly number[],
): Promise<Map<number, Set<number>>> {
  const found = new Map<number, Set<number>>()
  for (let from = 0; from < principalIds.length; from += BATCH) {
    for (const { principal_id: id, identity } of await readIdentities(db, principalIds.slice(from, from + BATCH))) {
      const identities = found.get(id)
      if (identities) identities.add(identity)
      else found.set(id, new Set([identity]))
    }
  }
  return found
}

// `union`, not `union all`: the recursion terminates even if groups form a cycle.
const identitiesText = (groups: string) => `
  with recursive held (principal_id, identity) as (
    select id, id from principal where id in (:keys)
    union
    select someone.id, everyone.id from principal as someone
      join principal as everyone on everyone.domain = someone.domain and everyone.type = 'domain'
      where someone.id in (:keys)
    union
    ${groups}
  )
  select principal_id, identity from held`
const readIdentities = keyedRead<number, { principal_id: number; identity: number }>({
  name: 'identities',
  keys: 'int',
  text: identitiesText(`select held.principal_id, group_member.group_id
                        from held join group_member on group_member.member_id = held.identity`),
  // PostgreSQL takes the recursion for large, and would read all members of all groups. `offset 0` keeps it from
  // merging the subquery into such a join: each identity looks up its groups by the index.
  postgresText: identitiesText(`select held.principal_id, containing.group_id
                                from held cross join lateral (
                                  select group_id from group_member where member_id = held.identity offset 0
                                ) as containing`),
})

/**
 * Every principal that a group or domain contains, itself and nested groups included: all who have a right granted to
 * it.
 */
export async function principalsWithin(db: Database | Knex.Transaction, principalId: number): Promise<Set<number>> {
  const knex = 'dialect' in db ? db.knex : db
  const rows: { id: number }[] = await knex
    .withRecursive('within', (within) => {
      within
        .from('principal')
        .where({ id: principalId })
        .select('id')
        .union((members: Knex.QueryBuilder) =>
          members
            .from('group_member')
            .join('within', 'within.id', 'group_member.group_id')
            .select('group_member.member_id as id'),
        )
    })
    .from('within')
    .select('id')
  const found = new Set(rows.map((row) => row.id))
  const domains: { domain: string }[] = await knex('principal')
    .whereIn('id', [...found])
    .andWhere({ type: 'domain' })
    .select('domain')
  for (const { domain } of domains) {
    const users: { id: number }[] = await knex('principal').where({ type: 'user', domain }).select('id')
    for (const user of users) found.add(user.id)
  }
  return found
}

const BATCH = 400

/** The pool as the one who did something. */
export function poolItself(domain: string): Actor {
  return { id: 0, uri: `sip:hansard@${domain}`, name: 'Hansard', email: undefined, internal: true }
}
