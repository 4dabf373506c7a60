import { type Database, gathered, type Knex } from '@hansard/sql'

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
  if (!('dialect' in db)) {
    return (await ownPolicies(db, [principalId])).get(principalId) ?? policyOfPlace(db, place)
  }
  const identities = nearestFirst(place)
  const [own, ...said] = await Promise.all([
    ownShared(db, principalId),
    ...identities.map((identity) => saidShared(db, identity)),
  ])
  return own ?? said.find((enabled) => enabled !== undefined) ?? true
}

const ownShared = gathered<number, boolean>((db, ids) => ownPolicies(db.knex, ids))
const saidShared = gathered<string, boolean>(async (db, identities) => {
  const rows: SaidOfPlace[] = await db.knex('policy').whereIn('identity', identities).select('identity', 'enabled')
  return new Map(rows.map(({ identity, enabled }) => [identity, Boolean(enabled)]))
})

/** What those say who have a policy of their own. */
async function ownPolicies(knex: Knex | Knex.Transaction, ids: readonly number[]): Promise<Map<number, boolean>> {
  const rows: { id: number; enabled: boolean | number }[] = await knex('policy')
    .join('principal', 'principal.policy_id', 'policy.id')
    .whereIn('principal.id', ids)
    .select('principal.id', 'policy.enabled')
  return new Map(rows.map(({ id, enabled }) => [id, Boolean(enabled)]))
}

/** What is decided for whoever has no policy of their own. */
export async function policyOfPlace(knex: Knex | Knex.Transaction, { pool, site }: PolicyPlace): Promise<boolean> {
  const identities = nearestFirst({ pool, site })
  const rows: SaidOfPlace[] = await knex('policy').whereIn('identity', identities).select('identity', 'enabled')
  return enabledByPlace(identities, rows)
}

/** Identities of the policies that count for whoever has none of their own: the first that is there decides. */
export function nearestFirst({ pool, site }: PolicyPlace): string[] {
  return [`pool:${pool}`, ...(site === undefined ? [] : [`site:${site}`]), 'global']
}

export type SaidOfPlace = { readonly identity: string; readonly enabled: boolean | number }

export function enabledByPlace(identities: readonly string[], rows: readonly SaidOfPlace[]): boolean {
  const said = new Map(rows.map(({ identity, enabled }) => [identity, Boolean(enabled)]))
  const nearest = identities.find((identity) => said.has(identity))
  return nearest === undefined || said.get(nearest)!
}
