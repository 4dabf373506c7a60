import { z } from 'zod'
import { count, timestamp } from './paging.ts'

const seq = z.int().min(1)
const source = { source: z.string(), epoch: count, incarnation: z.string() }

/** Numbers of a source, both ends included, that hold exports up and that no database has. */
export const OpenGap = z.object({
  ...source,
  from: seq,
  to: seq,
  /** `never-staged`: they are in the outbox no more. `removed`: they were staged, and their rows are gone */
  what: z.enum(['never-staged', 'removed']),
  /** stamps of the events before and after them, where there are some */
  after: timestamp.nullable(),
  before: timestamp.nullable(),
  proposal: z.object({ by: z.string(), at: timestamp, reason: z.string() }).nullable(),
})
export type OpenGap = z.infer<typeof OpenGap>

/** Numbers that two people have accepted as missing. */
const GapAccepted = z.object({
  ...source,
  from: seq,
  to: seq,
  reason: z.string(),
  acceptedBy: z.tuple([z.string(), z.string()]),
  acceptedAt: timestamp,
})

export const GapsReply = z.object({ open: z.array(OpenGap), accepted: z.array(GapAccepted) })
export type GapsReply = z.infer<typeof GapsReply>

export const AcceptGapRequest = z.strictObject({
  source: z.string().min(1).max(256),
  epoch: seq,
  /** absent for the only one there is under this name and epoch */
  incarnation: z
    .string()
    .regex(/^([0-9a-f]{32})?$/)
    .optional(),
  from: seq,
  to: seq,
  /** a proposal needs one; it is in the manifest. Of the second person it is in the audit trail only */
  reason: z.string().min(1).max(500).optional(),
})
export type AcceptGapRequest = z.infer<typeof AcceptGapRequest>

/** `proposed`: somebody else has to accept it too. */
export const AcceptGapReply = z.object({
  ...source,
  from: seq,
  to: seq,
  outcome: z.enum(['proposed', 'accepted']),
  /** of the two people who accepted it, the first */
  proposedBy: z.string(),
  reason: z.string(),
})
export type AcceptGapReply = z.infer<typeof AcceptGapReply>
