import type { Database } from '@hansard/sql'
import { appendAudit } from './audit.ts'
import type { ApprovalMode } from './compliance-configurations.ts'

/** Two people, unless a server of this pool was started with the setting that one may. */
export async function approvalMode(db: Database): Promise<ApprovalMode> {
  const row = await db.knex('compliance_configuration_state').where({ id: 1 }).first('approval_mode')
  return row.approval_mode ?? 'two-people'
}

/** Stores what this server was started with, and returns what applied before. A change leaves an audit record. */
export async function setApprovalMode(
  db: Database,
  { mode, actor, now }: { mode: ApprovalMode; actor: string; now: number },
): Promise<ApprovalMode | undefined> {
  return db.knex.transaction(async (tx) => {
    const row = await tx('compliance_configuration_state').where({ id: 1 }).forUpdate().first('approval_mode')
    const before: ApprovalMode | null = row.approval_mode
    if (before === mode) return mode
    await tx('compliance_configuration_state')
      .where({ id: 1 })
      .update({ approval_mode: mode, version: tx.raw('version + 1') })
    const detail = { before, after: mode }
    await appendAudit(tx, { at: now, actor, action: 'approval-set', object: 'pool', detail })
    return before ?? undefined
  })
}
