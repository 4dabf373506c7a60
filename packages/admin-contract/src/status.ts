import { z } from 'zod'
import { count, timestamp } from './paging.ts'
import { PoolStateName } from './settings.ts'

/** A source as the worker knows it: the last source progress that mentioned it, and how far its events are staged. */
export const SourceStatus = z.object({
  source: z.string(),
  epoch: count,
  /** 32 random hexadecimal digits per start; empty for a source that started before there were incarnations */
  incarnation: z.string(),
  state: z.enum(['alive', 'stopped', 'fenced', 'dead']),
  lastSeq: count,
  stagedThrough: count,
  reportedAt: timestamp,
  /** negative: the source reported a time that has not come, by a clock that is ahead */
  silentForMs: z.int(),
  /** true when the open interval cannot be closed because of this source */
  holding: z.boolean(),
})
export type SourceStatus = z.infer<typeof SourceStatus>

export const SealedInterval = z.object({
  adapter: z.string(),
  number: count,
  start: timestamp,
  end: timestamp,
  sealedAt: timestamp,
})
export type SealedInterval = z.infer<typeof SealedInterval>

export const AdapterStatus = z.object({
  name: z.string(),
  /** why this adapter cannot continue, with what to do about it; null when it can */
  problem: z.string().nullable(),
  lastSealed: SealedInterval.nullable(),
})
export type AdapterStatus = z.infer<typeof AdapterStatus>

/** A series of exports by an adapter that no longer exists. If the adapter comes back, it exports what it missed. */
export const EndedAdapter = z.object({ name: z.string(), lastSealed: SealedInterval.nullable() })
export type EndedAdapter = z.infer<typeof EndedAdapter>

/** A place outside of the pool that the newest checkpoint goes to after each interval. */
export const AnchorStatus = z.object({
  /** a directory, or the URL of a time-stamp authority */
  name: z.string(),
  kind: z.enum(['directory', 'time-stamps']),
  /** why it cannot be delivered to now; null when it can */
  problem: z.string().nullable(),
  /** the pool manifest, by number and name without its ending, whose checkpoint it has */
  lastDelivered: z.object({ number: count, stem: z.string(), deliveredAt: timestamp }).nullable(),
})
export type AnchorStatus = z.infer<typeof AnchorStatus>

/** Where every accepted event is now. */
export const PoolStatus = z.object({
  pool: z.string(),
  /** as last set by an operator; it switches nothing */
  state: PoolStateName,
  version: z.string(),
  takenAt: timestamp,
  sources: z.array(SourceStatus),
  outbox: z.object({ rows: count, oldestAt: timestamp.nullable() }),
  queue: z.object({ waiting: count, active: count, failed: count }),
  staged: z.object({ events: count }),
  /**
   * age of the oldest accepted event that is in no sealed export yet; null when there is none, negative when its stamp
   * has not come
   */
  oldestUnexportedAgeMs: z.int().nullable(),
  openInterval: z.object({ start: timestamp, end: timestamp }).nullable(),
  quarantine: z.object({ count }),
  adapters: z.array(AdapterStatus),
  endedAdapters: z.array(EndedAdapter),
  anchors: z.array(AnchorStatus),
  /** what this pool cannot prove, as it is set up; nothing is wrong */
  notices: z.array(z.string()),
  /** sentences for an operator, worst first; empty when all is well */
  alarms: z.array(z.string()),
})
export type PoolStatus = z.infer<typeof PoolStatus>

export const DeclareDeadRequest = z.strictObject({ source: z.string().min(1) })
export type DeclareDeadRequest = z.infer<typeof DeclareDeadRequest>

/**
 * The epoch that was fenced. For a source that is no longer alive the answer is `conflict`, for an unknown one
 * `not-found`.
 */
export const DeclareDeadReply = z.object({ source: z.string(), epoch: count })
export type DeclareDeadReply = z.infer<typeof DeclareDeadReply>
