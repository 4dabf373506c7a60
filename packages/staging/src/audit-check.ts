import { type Database, type Lease, underLease } from '@hansard/sql'
import type { AuditProblem, AuditVerdict } from './audit-chain.ts'

/** The last whole check of the audit trail's chain; undefined before the first. */
export type AuditCheck = {
  readonly checkedAt: number
  readonly records: number
  readonly problem: AuditProblem | null
}

export async function auditCheck(db: Database): Promise<AuditCheck | undefined> {
  const row: { checked_at: number; records: number; problem: string | null } | undefined = await db
    .knex('audit_check')
    .where({ id: 1 })
    .first('checked_at', 'records', 'problem')
  if (!row) return undefined
  return {
    checkedAt: row.checked_at,
    records: row.records,
    problem: row.problem === null ? null : JSON.parse(row.problem),
  }
}

export async function recordAuditCheck(
  db: Database,
  lease: Lease,
  { verdict: { records, problem }, now }: { verdict: AuditVerdict; now: number },
): Promise<void> {
  const row = { checked_at: now, records, problem: problem === null ? null : JSON.stringify(problem) }
  await underLease(db, lease, async (tx) => {
    await tx('audit_check')
      .insert({ id: 1, ...row })
      .onConflict('id')
      .merge(row)
  })
}
