import { appendAudit } from '@hansard/staging'
import type { Call } from './call.ts'
import type { AdminApiParts } from './parts.ts'

/** Puts a look, or what an operator does to the pool itself, on record before it is answered. */
export async function auditLook(
  { complianceDb, clock }: Pick<AdminApiParts, 'complianceDb' | 'clock'>,
  actor: string,
  action: string,
  object: string,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await appendAudit(complianceDb.knex, { at: clock.now(), actor, action, object, detail })
}

/** The same for looks that only an auditor's are kept of: people's accounts, who is in a room, how much they say. */
export async function auditAuditor(
  parts: Pick<AdminApiParts, 'complianceDb' | 'clock'>,
  { actor }: Pick<Call, 'actor'>,
  action: string,
  object: string,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  if (actor.roles.includes('auditor')) await auditLook(parts, actor.account, action, object, detail)
}
