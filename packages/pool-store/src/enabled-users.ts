import type { Database } from '@hansard/sql'

/**
 * Those of many users who may use the pool now: not disabled, and enabled by the policy that counts for them (their own,
 * else the pool's, else the global one). `policyEnables` of each, in few statements.
 */
export async function enabledOf(
  db: Database,
  { pool, principalIds }: { pool: string; principalIds: readonly number[] },
): Promise<Set<number>> {
  const wider: { identity: string; enabled: boolean | number }[] = await db
    .knex('policy')
    .whereIn('identity', [`pool:${pool}`, 'global'])
    .select('identity', 'enabled')
  const counts = wider.find(({ identity }) => identity !== 'global') ?? wider[0]
  const found = new Set<number>()
  for (let from = 0; from < principalIds.length; from += BATCH) {
    const rows: { id: number; enabled: boolean | number | null }[] = await db
      .knex('principal')
      .leftJoin('policy', 'policy.id', 'principal.policy_id')
      .whereIn('principal.id', principalIds.slice(from, from + BATCH))
      .andWhere('principal.disabled', false)
      .select('principal.id', 'policy.enabled')
    for (const { id, enabled } of rows) if (enabled ?? counts?.enabled ?? true) found.add(id)
  }
  return found
}

const BATCH = 5_000
