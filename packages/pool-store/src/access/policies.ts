import type { Database, Knex } from '@hansard/sql'

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
  const knex = 'dialect' in db ? db.knex : db
  const own: { enabled: boolean | number } | undefined = await knex('policy')
    .join('principal', 'principal.policy_id', 'policy.id')
    .where('principal.id', principalId)
    .first('policy.enabled')
  return own ? Boolean(own.enabled) : policyOfPlace(knex, place)
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
