import { z } from 'zod'
import { count, timestamp } from './paging.ts'

/** A request to the compliance worker: accepted at once, carried out in the order of arrival. */
export const RequestAccepted = z.object({ request: z.string() })
export type RequestAccepted = z.infer<typeof RequestAccepted>

export const RequestState = z.object({
  request: z.string(),
  kind: z.enum(['seal', 'replay', 'quarantine-retry', 'check', 'restore']),
  state: z.enum(['waiting', 'done', 'failed']),
  /** `SealResult`, `ReplayResult`, `QuarantineRetryResult`, `CheckResult` or `RestoreResult` once done */
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
  /** files on disk that are not as they were sealed */
  onDisk: z.array(z.object({ name: z.string(), problem: z.string() })),
})
export type ReplayResult = z.infer<typeof ReplayResult>

/** All sealed files compared with their hashes. `damaged` lists the first hundred that differ. */
export const CheckResult = z.object({
  files: count,
  damagedCount: count,
  damaged: z.array(
    z.object({ adapter: z.string(), number: count, directory: z.string(), name: z.string(), problem: z.string() }),
  ),
})
export type CheckResult = z.infer<typeof CheckResult>

/** The files of an export that were written again, and the names under which damaged ones were kept. */
export const RestoreResult = z.object({
  adapter: z.string(),
  number: count,
  written: z.array(z.string()),
  kept: z.array(z.string()),
})
export type RestoreResult = z.infer<typeof RestoreResult>

export const QuarantineRetryResult = z.object({ staged: count, remaining: count })
export type QuarantineRetryResult = z.infer<typeof QuarantineRetryResult>
