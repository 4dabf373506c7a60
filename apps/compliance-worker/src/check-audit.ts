import type { Clock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import type { Database, Lease } from '@hansard/sql'
import { recordAuditCheck, startAuditWalk, stepAuditWalk } from '@hansard/staging'

/** Records recomputed per step: a step takes a moment, and the worker rests for seconds between two. */
const RECORDS_MAX = 5_000
/** Between the end of one check and the beginning of the next. */
export const CHECK_AUDIT_EVERY_MS = 60_000

/** Recomputes the chain of the audit trail, step by step, and records what it finds: a status alarm. */
export type AuditChecking = { step(lease: Lease): Promise<void> }

export function createAuditChecking({ db, clock, log }: { db: Database; clock: Clock; log: Log }): AuditChecking {
  const walk = startAuditWalk()
  let endedAt: number | undefined
  let told: string | undefined
  return {
    async step(lease) {
      const elapsed = endedAt === undefined ? CHECK_AUDIT_EVERY_MS : clock.now() - endedAt
      // A check that ended in the future means that the clock was set back.
      if (elapsed >= 0 && elapsed < CHECK_AUDIT_EVERY_MS) return
      const step = await stepAuditWalk(db, walk, { recordsMax: RECORDS_MAX })
      if (!step.ended) return
      endedAt = clock.now()
      const { problem } = step.verdict
      await recordAuditCheck(db, lease, { verdict: step.verdict, now: endedAt })
      if (problem && problem.message !== told) log.error({ problem }, 'the chain of the audit trail is broken')
      told = problem?.message
    },
  }
}
