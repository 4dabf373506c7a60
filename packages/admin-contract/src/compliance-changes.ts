import { z } from 'zod'
import { ComplianceSettings } from './compliance-configuration.ts'
import { flag, timestamp } from './paging.ts'

const reason = z.string().min(1).max(1_024)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'takes 64 hexadecimal digits in lower case')
const number = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)

/** All settings of an identity as they are to be, or null to remove it. */
export const ProposeComplianceChangeRequest = z.strictObject({
  identity: z.string().min(1).max(256),
  settings: ComplianceSettings.nullable(),
  reason: reason.optional(),
})

/**
 * A proposed change to what is exported. `stale`: the settings it was made against have changed, and it can only be
 * proposed again.
 */
export const ComplianceChange = z.object({
  id: z.number().int().positive(),
  identity: z.string(),
  /** null: the configuration is removed; without the text of the stylesheet in a list */
  settings: ComplianceSettings.nullable(),
  /** of the stylesheet, if it has one */
  stylesheetSha256: z.string().nullable(),
  /** of the exact proposal: what is approved is named by it */
  sha256: z.string(),
  state: z.enum(['open', 'stale', 'approved', 'refused', 'withdrawn']),
  reason: z.string().nullable(),
  proposedBy: z.string(),
  proposedAt: timestamp,
  decidedBy: z.string().nullable(),
  decidedAt: timestamp.nullable(),
})
export type ComplianceChange = z.infer<typeof ComplianceChange>

/** `ended`: names of adapters that no longer exist after the change. */
export const ComplianceChangeReply = z.object({ change: ComplianceChange, ended: z.array(z.string()) })

export const ListComplianceChangesQuery = z.strictObject({
  open: flag.optional().describe('only open changes, or only decided ones'),
  /** `next` of the page before */
  after: number.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
})

/** Newest first. */
export const ListComplianceChangesReply = z.object({ changes: z.array(ComplianceChange), next: z.string().nullable() })

/** `sha256`: of the proposal that the caller has seen. */
export const ApproveComplianceChangeRequest = z.strictObject({ sha256 })

export const CloseComplianceChangeRequest = z.strictObject({ reason: reason.optional() })
