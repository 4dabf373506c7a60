import { z } from 'zod'
import { count, timestamp } from './paging.ts'

/** An event that could not be staged. It is kept whole until somebody has resolved it. */
export const QuarantinedEvent = z.object({
  source: z.string(),
  epoch: count,
  seq: count,
  at: timestamp,
  reason: z.string(),
  quarantinedAt: timestamp,
  /** the event's text as received, or its first 2,000 characters */
  body: z.string(),
})
export type QuarantinedEvent = z.infer<typeof QuarantinedEvent>

export const QuarantineReply = z.object({ count, events: z.array(QuarantinedEvent) })
export type QuarantineReply = z.infer<typeof QuarantineReply>
