import { type Database, type Lease, underLease } from '@hansard/sql'

/** Records why an adapter is blocked, and what to do about it. Sealing its next export clears it. */
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

/**
 * Sets the current adapters. A removed adapter is no longer part of the status, even with exports outstanding; if it
 * is added again, it exports what it missed.
 */
export async function activateAdapters(db: Database, lease: Lease, adapters: readonly string[]): Promise<void> {
  await underLease(db, lease, async (tx) => {
    await tx('adapter_state')
      .whereNotIn('adapter', [...adapters])
      .andWhere('active', 1)
      .update({ active: 0, problem: null, problem_since: null })
    await tx('adapter_state')
      .whereIn('adapter', [...adapters])
      .andWhere('active', 0)
      .update({ active: 1 })
  })
}
