import type { EnvelopeEvent } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'

/** One transaction of one dialect. `'parked'`: what was parked right behind the last staged number. */
export type Stage = (
  db: Database,
  identity: { readonly source: string; readonly epoch: number },
  arrived: readonly EnvelopeEvent[] | 'parked',
  now: number,
) => Promise<{ staged: number; quarantined: number; parked: number; again: number; more: boolean }>

/** How many parked events one transaction takes up: other writers wait for it. */
export const PARKED_PAGE = 1_000

export const ANOTHER_TEXT = 'another text is staged under its number'
export const CAME_AFTER = 'a text under its number is in quarantine already'

/**
 * Staging shares this lock and closing an interval holds it alone, so that no event slips into an interval between the
 * question whether it is complete and the answer. A lock of the server's rather than of a row: its queue is fair, and
 * closing is not starved by a stream of overlapping stagings.
 */
export const CLOSING_LOCK = 0x48616e01
