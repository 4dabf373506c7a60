import type { Database, Knex } from '@hansard/sql'

/**
 * Whether the policy that counts for a user lets it take part in the pool: its own, else the pool's, else the global
 * one. Where no policy says anything, everybody may.
 */
export async function policyEnables(
  db: Database | Knex.Transaction,
  { pool, principalId }: { pool: string; principalId: number },
): Promise<boolean> {
  const knex = 'dialect' in db ? db.knex : db
  const own: { enabled: boolean | number } | undefined = await knex('policy')
    .join('principal', 'principal.policy_id', 'policy.id')
    .where('principal.id', principalId)
    .first('policy.enabled')
  if (own) return Boolean(own.enabled)
  const wider: { identity: string; enabled: boolean | number }[] = await knex('policy')
    .whereIn('identity', [`pool:${pool}`, 'global'])
    .select('identity', 'enabled')
  const counts = wider.find(({ identity }) => identity !== 'global') ?? wider[0]
  return counts === undefined || Boolean(counts.enabled)
}
