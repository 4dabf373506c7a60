import type { Knex } from '@hansard/sql'

/**
 * Ids of the rooms with participants whom a change may bar from the pool. The change increments the rights versions
 * of these rooms, so every service decides again on their participants before it delivers anything more. `of`: only
 * these accounts; otherwise all.
 */
export async function roomsOfBarred(
  tx: Knex | Knex.Transaction,
  of?: { principalIds: readonly number[] } | { policyId: number },
): Promise<number[]> {
  const query = tx('participant').distinct('participant.room_id').orderBy('participant.room_id')
  if (of && 'policyId' in of) {
    query.join('principal', 'principal.id', 'participant.principal_id').where('principal.policy_id', of.policyId)
  }
  if (!of || 'policyId' in of) return idsOf(await query)
  const found = new Set<number>()
  for (let from = 0; from < of.principalIds.length; from += BATCH) {
    const batch = of.principalIds.slice(from, from + BATCH)
    for (const id of idsOf(await query.clone().whereIn('participant.principal_id', batch))) found.add(id)
  }
  return [...found].sort((a, b) => a - b)
}

/**
 * The same for a change of a policy: the rooms of its holders, or all rooms when it applies without being granted.
 * `id` is absent for a policy that is being created.
 */
export async function roomsUnderPolicy(
  tx: Knex | Knex.Transaction,
  { id, identity }: { id: number | undefined; identity: string },
): Promise<number[]> {
  if (countsByPlace(identity)) return roomsOfBarred(tx)
  return id === undefined ? [] : roomsOfBarred(tx, { policyId: id })
}

function countsByPlace(identity: string): boolean {
  return identity === 'global' || identity.startsWith('pool:') || identity.startsWith('site:')
}

const idsOf = (rows: readonly { room_id: number }[]) => rows.map((row) => row.room_id)

const BATCH = 400
