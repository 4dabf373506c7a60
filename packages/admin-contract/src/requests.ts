import { z } from 'zod'
import { count, timestamp } from './paging.ts'

/** A request to the compliance worker: accepted at once, carried out in the order of arrival. */
export const RequestAccepted = z.object({ request: z.string() })
export type RequestAccepted = z.infer<typeof RequestAccepted>

export const RequestState = z.object({
  request: z.string(),
  kind: z.enum(['seal', 'replay', 'quarantine-retry']),
  state: z.enum(['waiting', 'done', 'failed']),
  /** `SealResult`, `ReplayResult` or `QuarantineRetryResult` once done */
  result: z.unknown().optional(),
  /** why it failed, or what it waits for */
  reason: z.string().nullable().optional(),
})
export type RequestState = z.infer<typeof RequestState>

/** The interval that ended when the request was made, and its export by every adapter. */
export const SealResult = z.object({
  start: timestamp,
  end: timestamp,
  exports: z.array(z.object({ adapter: z.string(), number: count, events: count })),
})
export type SealResult = z.infer<typeof SealResult>

/** An export rendered again from the staged events, compared with the sealed bytes. */
export const ReplayResult = z.object({
  adapter: z.string(),
  number: count,
  identical: z.boolean(),
  files: count,
  differences: z.array(
    z.object({ name: z.string(), sealedSha256: z.string().nullable(), renderedSha256: z.string().nullable() }),
  ),
})
export type ReplayResult = z.infer<typeof ReplayResult>

export const QuarantineRetryResult = z.object({ staged: count, remaining: count })
export type QuarantineRetryResult = z.infer<typeof QuarantineRetryResult>
