import { type Database, gathered, type Knex } from '@hansard/sql'

/** Where a policy is evaluated: a pool and, if it has one, the site of the asking service. */
export type PolicyPlace = { readonly pool: string; readonly site?: string | undefined }

/**
 * Whether the user's effective policy lets it take part in the pool: its own policy, else the pool's, else the
 * site's, else the global one. Without any policy, everybody may.
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

/** The policy decisions of users with a policy of their own. */
async function ownPolicies(knex: Knex | Knex.Transaction, ids: readonly number[]): Promise<Map<number, boolean>> {
  const rows: { id: number; enabled: boolean | number }[] = await knex('policy')
    .join('principal', 'principal.policy_id', 'policy.id')
    .whereIn('principal.id', ids)
    .select('principal.id', 'policy.enabled')
  return new Map(rows.map(({ id, enabled }) => [id, Boolean(enabled)]))
}

/** The decision for users without a policy of their own. */
export async function policyOfPlace(knex: Knex | Knex.Transaction, { pool, site }: PolicyPlace): Promise<boolean> {
  const identities = nearestFirst({ pool, site })
  const rows: SaidOfPlace[] = await knex('policy').whereIn('identity', identities).select('identity', 'enabled')
  return enabledByPlace(identities, rows)
}

/** Identities of the policies that apply to users without their own, in order of precedence. */
export function nearestFirst({ pool, site }: PolicyPlace): string[] {
  return [`pool:${pool}`, ...(site === undefined ? [] : [`site:${site}`]), 'global']
}

export type SaidOfPlace = { readonly identity: string; readonly enabled: boolean | number }

export function enabledByPlace(identities: readonly string[], rows: readonly SaidOfPlace[]): boolean {
  const said = new Map(rows.map(({ identity, enabled }) => [identity, Boolean(enabled)]))
  const nearest = identities.find((identity) => said.has(identity))
  return nearest === undefined || said.get(nearest)!
}
