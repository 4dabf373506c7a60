import type { EnvelopeEvent } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'

/** One transaction of one dialect. `'parked'`: the number right after the last staged one is parked. */
export type Stage = (
  db: Database,
  identity: { readonly source: string; readonly epoch: number; readonly incarnation?: string | undefined },
  arrived: readonly EnvelopeEvent[] | 'parked',
  now: number,
) => Promise<{
  staged: number
  quarantined: number
  parked: number
  again: number
  /** numbers that count as staged and have nothing under them */
  unheld: readonly EnvelopeEvent[]
  more: boolean
}>

/** parked events that one transaction stages: other writers wait for it */
export const PARKED_PAGE = 1_000

export const ANOTHER_TEXT = 'another text is staged under its number'
export const CAME_AFTER = 'a text under its number is in quarantine already'
export const FORKED = 'its source has given numbers out twice, and it continues the other texts'

/**
 * Staging holds this lock in shared mode and closing an interval holds it exclusively, so that no event enters an
 * interval between the decision that it is complete and its record. An advisory lock instead of a row lock: its queue
 * is fair, so a stream of overlapping stagings does not starve closing.
 */
export const CLOSING_LOCK = 0x48616e01
