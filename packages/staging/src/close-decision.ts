import type { SourceState } from '@hansard/compliance-event'
import type { Interval } from '@hansard/conversation'

/** What is known of a source when an interval is to be closed. */
export type SourceStanding = {
  readonly source: string
  readonly epoch: number
  readonly state: SourceState
  readonly startedAt: number
  /** 0 when no roll call has mentioned it yet */
  readonly reportedAt: number
  readonly lastSeq: number
  readonly stagedThrough: number
  /** stamp of the last event staged */
  readonly lastStamp: number
}

/** `silent`: may still record something in the interval. `behind`: has recorded events that are not here yet. */
export type Holding = {
  readonly source: string
  readonly epoch: number
  readonly why: 'silent' | 'behind'
  readonly reportedAt: number
  readonly missing: number
}

export type CloseDecision =
  | { readonly close: true }
  | { readonly close: false; readonly why: 'no-roll-call' | 'sources'; readonly holding: readonly Holding[] }

/**
 * May the interval be closed? Only when nothing that belongs to it can still be on its way.
 *
 * The list of sources is complete when a roll call was taken at the interval's end or later. A source is past the end
 * when we hold an event of it that is stamped so: stamps never fall, and everything before that event is here. Or it
 * has reported itself past the end, and we hold all that it had numbered by then. One that has ended needs no report:
 * its numbers are final.
 *
 * So a source that falls silent holds the interval open, for as long as it takes: it is named to the operator, who
 * may declare it dead. Nothing is guessed from the time that has passed.
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
  const missing = Math.max(0, source.lastSeq - source.stagedThrough)
  const ended = source.state !== 'alive'
  if ((ended || source.reportedAt >= endsAt) && missing === 0) return undefined
  // One that started after the end has nothing to say about what came before.
  if (source.reportedAt > 0 && source.startedAt >= endsAt) return undefined
  const why = ended || source.reportedAt >= endsAt ? 'behind' : 'silent'
  return { source: source.source, epoch: source.epoch, why, reportedAt: source.reportedAt, missing }
}
