import type { Database } from '@hansard/sql'
import { type PolicyPlace, policyOfPlace } from '../access/policies.ts'

/**
 * Those of many users who may use the pool now: not disabled, and enabled by their effective policy. The same as
 * `policyEnables` for each, in few statements.
 */
export async function enabledOf(
  db: Database,
  { principalIds, ...place }: PolicyPlace & { principalIds: readonly number[] },
): Promise<Set<number>> {
  const otherwise = await policyOfPlace(db.knex, place)
  const found = new Set<number>()
  for (let from = 0; from < principalIds.length; from += BATCH) {
    const rows: { id: number; enabled: boolean | number | null }[] = await db
      .knex('principal')
      .leftJoin('policy', 'policy.id', 'principal.policy_id')
      .whereIn('principal.id', principalIds.slice(from, from + BATCH))
      .andWhere('principal.disabled', false)
      .select('principal.id', 'policy.enabled')
    for (const { id, enabled } of rows) if (enabled ?? otherwise) found.add(id)
  }
  return found
}

/** SQLite runs one statement at a time: small steps keep a long list from blocking others. */
const BATCH = 1_000
