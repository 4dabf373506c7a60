import type { ComplianceEvent, EnvelopeEvent } from '@hansard/compliance-event'
import { examineEvent } from './examine-event.ts'

/** The staging state of a source, read under lock. */
export type WalkedSource = {
  readonly id: number
  readonly source: string
  readonly epoch: number
  readonly incarnation: string
  readonly stagedThrough: number
  readonly head: string
  readonly lastStamp: number
  /** numbers up to this one belong to closed intervals */
  readonly cutSeq: number
  /** `<seq> <leaf>` of texts that broke the chain once and do not count yet */
  readonly suspects: ReadonlySet<string>
}

/** The closed intervals, read under lock: end and number of the last one. Both 0 when there is none. */
export type ClosedThrough = { readonly endsAt: number; readonly number: number }

export type StagedRow = {
  readonly event: ComplianceEvent
  readonly body: string
  readonly head: string
  readonly lateIn: number
}
type QuarantineRow = EnvelopeEvent & {
  readonly leaf: string
  readonly reason: string
  readonly counted: boolean
}

type Walked = {
  readonly staged: readonly StagedRow[]
  readonly quarantined: readonly QuarantineRow[]
  /** numbers beyond a gap */
  readonly beyond: readonly EnvelopeEvent[]
  readonly stagedThrough: number
  readonly head: string
  readonly lastStamp: number
}

/**
 * Walks a source's chain forward over `arrived`, which is sorted by number, without repetition, and begins after the
 * last staged number.
 *
 * An event that cannot be read is quarantined and counts: its bytes are here, its hash continues the chain, and its
 * successors need not wait. A text that *breaks* the chain is different, because the true one may still be in the
 * outbox, whose rows are deleted once they count as staged. It is quarantined without counting, and the walk stops,
 * so that the relay sends the number again. Only when the same text arrives a second time is it what the pool has.
 * Then it counts, and the chain continues from the head that the source recorded for it.
 */
export function walk(progress: WalkedSource, arrived: readonly EnvelopeEvent[], closed: ClosedThrough): Walked {
  const staged: StagedRow[] = []
  const quarantined: QuarantineRow[] = []
  let { stagedThrough, head, lastStamp } = progress
  let index = 0
  for (; index < arrived.length; index++) {
    const next = arrived[index]!
    if (next.seq !== stagedThrough + 1) break
    const { source, epoch, incarnation } = progress
    const examined = examineEvent({ source, epoch, incarnation, head, lastStamp }, next)
    if (examined.fit) {
      const { event } = examined
      staged.push({ event, body: next.body, head: next.head, lateIn: lateIn(event, progress, closed) })
      lastStamp = event.at
    } else {
      const { leaf, reason } = examined
      const counted = examined.chainHolds || progress.suspects.has(suspectKey(next.seq, leaf))
      quarantined.push({ ...next, leaf, reason, counted })
      if (!counted) {
        index++
        break
      }
    }
    stagedThrough = next.seq
    head = next.head
  }
  return { staged, quarantined, beyond: arrived.slice(index), stagedThrough, head, lastStamp }
}

/**
 * An event is late when its interval is closed: it then belongs to an addendum of the interval that closes next.
 * Either its stamp is in a closed interval, or its number is, which happens to events that leave quarantine.
 */
export function lateIn(
  event: { at: number; seq: number },
  { cutSeq }: { cutSeq: number },
  closed: ClosedThrough,
): number {
  return event.at < closed.endsAt || event.seq <= cutSeq ? closed.number + 1 : 0
}

function suspectKey(seq: number, leaf: string): string {
  return `${seq} ${leaf}`
}
