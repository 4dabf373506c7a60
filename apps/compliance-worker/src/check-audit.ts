import type { Clock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import type { Database, Lease } from '@hansard/sql'
import { recordAuditCheck, startAuditWalk, stepAuditWalk } from '@hansard/staging'

/** Records recomputed per step: a step takes a moment, and the worker rests for seconds between two. */
const RECORDS_MAX = 5_000
/** Between the end of one check and the beginning of the next. */
export const CHECK_AUDIT_EVERY_MS = 60_000

/** Recomputes the chain of the audit trail, step by step, and records what it finds: a status alarm. */
type AuditChecking = { step(lease: Lease): Promise<void> }

export function createAuditChecking({ db, clock, log }: { db: Database; clock: Clock; log: Log }): AuditChecking {
  const walk = startAuditWalk()
  let endedUptime: number | undefined
  let told: string | undefined
  return {
    async step(lease) {
      if (endedUptime !== undefined && clock.uptime() - endedUptime < CHECK_AUDIT_EVERY_MS) return
      const step = await stepAuditWalk(db, walk, { recordsMax: RECORDS_MAX })
      if (!step.ended) return
      endedUptime = clock.uptime()
      const { problem } = step.verdict
      await recordAuditCheck(db, lease, { verdict: step.verdict, now: clock.now() })
      if (problem && problem.message !== told) log.error({ problem }, 'the chain of the audit trail is broken')
      told = problem?.message
    },
  }
}
