import type { SourceState } from '@hansard/compliance-event'
import type { Interval } from '@hansard/conversation'

/** What is known of a source when an interval is due to close. */
export type SourceStanding = {
  readonly source: string
  readonly epoch: number
  readonly incarnation?: string | undefined
  readonly state: SourceState
  readonly startedAt: number
  /** 0 before any source progress has included it */
  readonly reportedAt: number
  readonly lastSeq: number
  readonly stagedThrough: number
  /** stamp of the last event staged */
  readonly lastStamp: number
  /** the source has given numbers out twice: what it has beyond the staged numbers is in quarantine */
  readonly forked?: boolean | undefined
}

/** `silent`: may still record events in the interval. `behind`: has recorded events that are not staged yet. */
export type Holding = {
  readonly source: string
  readonly epoch: number
  readonly incarnation?: string | undefined
  readonly why: 'silent' | 'behind'
  readonly reportedAt: number
  readonly missing: number
}

export type CloseDecision =
  | { readonly close: true }
  | { readonly close: false; readonly why: 'no-roll-call' | 'sources'; readonly holding: readonly Holding[] }

/**
 * Whether the interval may close: only when no event that belongs to it can still arrive.
 *
 * The list of sources is complete when a source progress was taken at the interval's end or later. A source is past
 * the end when an event of it with such a stamp is staged: stamps never fall, and everything before that event is
 * staged. Or it has reported a time past the end, and everything it had numbered by then is staged. An ended source
 * needs no report: its numbers are final.
 *
 * A source that falls silent therefore holds the interval open without a time limit. It is named to the operator, who
 * may declare it dead. Nothing is inferred from elapsed time.
 *
 * A source that has forked does not hold it open with numbers that are not staged: their texts do not continue the
 * staged chain and go to quarantine. The manifest names the fork.
 */
export function decideClose(
  interval: Interval,
  { rollCallTakenAt, sources }: { rollCallTakenAt: number; sources: readonly SourceStanding[] },
): CloseDecision {
  const holding = sources.flatMap((source) => holdingOf(source, interval.endsAt) ?? [])
  if (holding.length > 0) return { close: false, why: 'sources', holding }
  if (rollCallTakenAt < interval.endsAt) return { close: false, why: 'no-roll-call', holding }
  return { close: true }
}

function holdingOf(source: SourceStanding, endsAt: number): Holding | undefined {
  if (source.lastStamp >= endsAt) return undefined
  const missing = source.forked ? 0 : Math.max(0, source.lastSeq - source.stagedThrough)
  const ended = source.state !== 'alive'
  if ((ended || source.reportedAt >= endsAt) && missing === 0) return undefined
  // A source that started after the end has no events before it.
  if (source.reportedAt > 0 && source.startedAt >= endsAt) return undefined
  const why = ended || source.reportedAt >= endsAt ? 'behind' : 'silent'
  const { incarnation } = source
  return { source: source.source, epoch: source.epoch, incarnation, why, reportedAt: source.reportedAt, missing }
}
