import { SIGN_IN_OUTCOMES } from '@hansard/rooms'
import { z } from 'zod'
import { count, queryTime, timestamp } from './paging.ts'

export const ListSignInsQuery = z.strictObject({
  /** as it was typed */
  account: z.string().min(1).max(256).optional(),
  outcome: z.enum(SIGN_IN_OUTCOMES).optional(),
  from: queryTime.optional(),
  /** before this moment */
  to: queryTime.optional(),
  /** `next` of the page before */
  after: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
})
export type ListSignInsQuery = z.output<typeof ListSignInsQuery>

export const SignInEntry = z.object({
  id: count,
  at: timestamp,
  /** the service that was asked */
  service: z.string(),
  outcome: z.enum(SIGN_IN_OUTCOMES),
  /** as it was typed, cut at 64 characters and escaped; empty when a token was shown */
  account: z.string(),
  remote: z.string(),
  /** the first characters of the hash of a known device; empty for others */
  device: z.string(),
  /** what was asked for, and refused or done */
  detail: z.string(),
  /** equal ones within a second are one entry */
  count: z.number().int().positive(),
})
export type SignInEntry = z.infer<typeof SignInEntry>

/** Newest first. */
export const ListSignInsReply = z.object({ signIns: z.array(SignInEntry), next: z.string().nullable() })
export type ListSignInsReply = z.infer<typeof ListSignInsReply>
