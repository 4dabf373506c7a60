import type { Database } from '@hansard/sql'
import { type Lease, underLease } from './lease.ts'

/** Says why an adapter does not get on, with what to do about it. Clear it with `null`. */
export async function noteProblem(
  db: Database,
  lease: Lease,
  { adapter, problem, now }: { adapter: string; problem: string | null; now: number },
): Promise<void> {
  await underLease(db, lease, async (tx) => {
    const before = await tx('adapter_state').where({ adapter }).first('problem', 'problem_since')
    if (!before || before.problem === problem) return
    const since = problem === null ? null : (before.problem_since ?? now)
    await tx('adapter_state').where({ adapter }).update({ problem, problem_since: since })
  })
}

export async function problemOf(db: Database, adapter: string): Promise<string | null> {
  const row = await db.knex('adapter_state').where({ adapter }).first('problem')
  return row?.problem ?? null
}
