import type { Database } from '@hansard/sql'
import { type Lease, underLease } from './lease.ts'

/** Says why an adapter does not get on, with what to do about it. Sealing its next export clears it. */
export async function noteProblem(
  db: Database,
  lease: Lease,
  { adapter, problem, now }: { adapter: string; problem: string; now: number },
): Promise<void> {
  await underLease(db, lease, async (tx) => {
    const before = await tx('adapter_state').where({ adapter }).first('problem', 'problem_since')
    if (!before || before.problem === problem) return
    await tx('adapter_state')
      .where({ adapter })
      .update({ problem, problem_since: before.problem_since ?? now })
  })
}
