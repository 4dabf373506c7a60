/**
 * What travels from the relay to the worker: the events of one source, or the progress of all sources.
 *
 * Either may arrive late, twice or out of order; staging is idempotent. `incarnation` is 32 random hexadecimal digits
 * per start of a source. It is absent or "" for a source that started before there were incarnations.
 */
export type Envelope =
  | {
      readonly kind: 'events'
      readonly source: string
      readonly epoch: number
      readonly incarnation?: string | undefined
      readonly events: readonly EnvelopeEvent[]
    }
  | { readonly kind: 'roll-call'; readonly rollCall: SourceProgress }

/** One outbox row: the event's text, and the fields that must be known even if the text cannot be read. */
export type EnvelopeEvent = {
  readonly seq: number
  readonly at: number
  readonly body: string
  /** head(seq) of the source's chain, computed at accept time */
  readonly head: string
}

/**
 * `alive`: may commit more. `stopped`: ended by itself. `fenced`: replaced by a new epoch of the same name. `dead`:
 * declared dead by an operator or a survivor. In the last three states no further commit can succeed.
 */
export type SourceState = 'alive' | 'stopped' | 'fenced' | 'dead'

/**
 * What the pool database says about one source: it has numbered its events up to `lastSeq`, its chain ends at `head`,
 * and it will stamp whatever it accepts later with `reportedAt` or a later time.
 */
export type SourceReport = {
  readonly source: string
  readonly epoch: number
  readonly incarnation?: string | undefined
  readonly state: SourceState
  readonly startedAt: number
  readonly lastSeq: number
  readonly head: string
  readonly reportedAt: number
}

/** Numbers that a source had recorded when its pool database was set back: those after `foundSeq`. */
export type SourceLoss = {
  readonly source: string
  readonly epoch: number
  readonly incarnation: string
  /** the last number that was recorded, and the last that the pool database has */
  readonly recordedSeq: number
  readonly foundSeq: number
}

/**
 * The watermark: every source there has ever been, read from the pool database in one statement at `takenAt` (the
 * relay's clock).
 */
export type SourceProgress = {
  readonly takenAt: number
  readonly sources: readonly SourceReport[]
  /** what living services have written down of a pool database that was set back; absent when there is nothing */
  readonly lost?: readonly SourceLoss[] | undefined
}
