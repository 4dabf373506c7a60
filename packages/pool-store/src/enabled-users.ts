import type { Database } from '@hansard/sql'

/** Those of many users whom the policy that counts for them lets take part: `policyEnables` of each, in few statements. */
export async function enabledOf(
  db: Database,
  { pool, principalIds }: { pool: string; principalIds: readonly number[] },
): Promise<Set<number>> {
  const wider: { identity: string; enabled: boolean | number }[] = await db
    .knex('policy')
    .whereIn('identity', [`pool:${pool}`, 'global'])
    .select('identity', 'enabled')
  const counts = wider.find(({ identity }) => identity !== 'global') ?? wider[0]
  const found = new Set(counts === undefined || counts.enabled ? principalIds : [])
  for (let from = 0; from < principalIds.length; from += BATCH) {
    const own: { id: number; enabled: boolean | number }[] = await db
      .knex('principal')
      .join('policy', 'policy.id', 'principal.policy_id')
      .whereIn('principal.id', principalIds.slice(from, from + BATCH))
      .select('principal.id', 'policy.enabled')
    for (const { id, enabled } of own) {
      if (enabled) found.add(id)
      else found.delete(id)
    }
  }
  return found
}

const BATCH = 5_000
