import { type Database, type Lease, underLease } from '@hansard/sql'
import { oneNumber } from './one-number.ts'
import { signingKeyOnRecord } from './pool-manifests.ts'

/** How far pool manifests are behind, and why. */
export type PoolSealingState = {
  /** why the next one cannot be sealed, in sentences */
  readonly problem: string | null
  /** the oldest closed interval without a sealed pool manifest, and when it was closed */
  readonly unsigned: { readonly interval: number; readonly closedAt: number } | null
}

const PROBLEM = 'pool-manifest-problem'

export async function notePoolProblem(db: Database, lease: Lease, problem: string | null): Promise<void> {
  await underLease(db, lease, async (tx) => {
    if (problem === null) await tx('compliance_setting').where({ name: PROBLEM }).delete()
    else
      await tx('compliance_setting')
        .insert({ name: PROBLEM, value: problem })
        .onConflict('name')
        .merge({ value: problem })
  })
}

export async function poolSealingState(db: Database): Promise<PoolSealingState> {
  // A pool without a key has no pool manifests.
  if ((await signingKeyOnRecord(db)) === undefined) return { problem: null, unsigned: null }
  const noted: { value: string } | undefined = await db
    .knex('compliance_setting')
    .where({ name: PROBLEM })
    .first('value')
  const sealed = (await oneNumber(db.knex('pool_manifest').where({ state: 'sealed' }).max('number'))) ?? 0
  const waiting: { number: number; closed_at: number } | undefined = await db
    .knex('closed_interval')
    .where('number', '>', sealed)
    .orderBy('number')
    .first('number', 'closed_at')
  return {
    problem: noted?.value ?? null,
    unsigned: waiting ? { interval: waiting.number, closedAt: waiting.closed_at } : null,
  }
}
