/**
 * What travels from the relay to the worker: either events of one source, or a roll call of all.
 *
 * Both may arrive late, twice or in the wrong order; staging is indifferent to that.
 */
export type Envelope =
  | {
      readonly kind: 'events'
      readonly source: string
      readonly epoch: number
      readonly events: readonly EnvelopeEvent[]
    }
  | { readonly kind: 'roll-call'; readonly rollCall: SourceProgress }

/** One outbox row: the event's text, and what must be known of it even if the text cannot be read. */
export type EnvelopeEvent = {
  readonly seq: number
  readonly at: number
  readonly body: string
  /** head(seq) of the source's chain, computed when the event was accepted */
  readonly head: string
}

/**
 * `alive`: may commit more. `stopped`: ended by itself. `fenced`: a new epoch under the same name replaced it.
 * `dead`: declared dead by an operator or a survivor. Of the last three no further commit can succeed.
 */
export type SourceState = 'alive' | 'stopped' | 'fenced' | 'dead'

/**
 * What the pool database says of one source: it has numbered its events up to `lastSeq`, its chain ends at
 * `head`, and whatever it accepts after this will be stamped `reportedAt` or later.
 */
export type SourceReport = {
  readonly source: string
  readonly epoch: number
  readonly state: SourceState
  readonly startedAt: number
  readonly lastSeq: number
  readonly head: string
  readonly reportedAt: number
}

/** Every source there has ever been, read from the pool database in one statement at `takenAt` (the relay's clock). */
export type SourceProgress = { readonly takenAt: number; readonly sources: readonly SourceReport[] }
