import { type Database, keyedRead } from '@hansard/sql'
import { type PolicyPlace, policyOfPlace } from '../access/policies.ts'

/**
 * Those of many users who may use the pool now: not disabled, and enabled by their effective policy. The same as
 * `policyEnables` for each, in few statements.
 */
export async function enabledOf(
  db: Database,
  { principalIds, ...place }: PolicyPlace & { principalIds: readonly number[] },
): Promise<Set<number>> {
  const otherwise = await policyOfPlace(db, place)
  const found = new Set<number>()
  for (let from = 0; from < principalIds.length; from += BATCH) {
    const rows = await readEnabled(db, principalIds.slice(from, from + BATCH))
    for (const { id, enabled } of rows) if (enabled ?? otherwise) found.add(id)
  }
  return found
}

const readEnabled = keyedRead<number, { id: number; enabled: boolean | number | null }>({
  name: 'enabled-users',
  keys: 'int',
  text: `select principal.id, policy.enabled from principal left join policy on policy.id = principal.policy_id
         where principal.id in (:keys) and not principal.disabled`,
})

/** Small steps: others wait for each of them, in SQLite's thread or for a core of PostgreSQL. */
const BATCH = 400
