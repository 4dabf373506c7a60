import type { Database, Knex } from '@hansard/sql'

/** Where a policy is asked for: a pool, and the site of the service that asks, should it have one. */
export type PolicyPlace = { readonly pool: string; readonly site?: string | undefined }

/**
 * Whether the policy that counts for a user lets it take part in the pool: its own, else the pool's, else the site's,
 * else the global one. Where no policy says anything, everybody may.
 */
export async function policyEnables(
  db: Database | Knex.Transaction,
  { principalId, ...place }: PolicyPlace & { principalId: number },
): Promise<boolean> {
  const knex = 'dialect' in db ? db.knex : db
  const own: { enabled: boolean | number } | undefined = await knex('policy')
    .join('principal', 'principal.policy_id', 'policy.id')
    .where('principal.id', principalId)
    .first('policy.enabled')
  return own ? Boolean(own.enabled) : policyOfPlace(knex, place)
}

/** What is decided for whoever has no policy of their own. */
export async function policyOfPlace(knex: Knex | Knex.Transaction, { pool, site }: PolicyPlace): Promise<boolean> {
  const nearestFirst = [`pool:${pool}`, ...(site === undefined ? [] : [`site:${site}`]), 'global']
  const rows: { identity: string; enabled: boolean | number }[] = await knex('policy')
    .whereIn('identity', nearestFirst)
    .select('identity', 'enabled')
  const said = new Map(rows.map(({ identity, enabled }) => [identity, Boolean(enabled)]))
  const nearest = nearestFirst.find((identity) => said.has(identity))
  return nearest === undefined || said.get(nearest)!
}
