import { type ComplianceEvent, type EnvelopeEvent, leafOf } from '@hansard/compliance-event'
import { examineEvent } from './examine-event.ts'
import { ANOTHER_TEXT, CAME_AFTER, FORKED } from './stage-rules.ts'

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
  /** another text has arrived under a number that counts as staged */
  readonly forked: boolean
}

/** The closed intervals, read under lock: end and number of the last one. Both 0 when there is none. */
export type ClosedThrough = { readonly endsAt: number; readonly number: number }

export type StagedRow = {
  readonly event: ComplianceEvent
  readonly body: string
  readonly head: string
  readonly lateIn: number
}
export type QuarantineRow = EnvelopeEvent & {
  readonly leaf: string
  readonly reason: string
  readonly counted: boolean
  /** belongs to a fork: the interval whose manifest counts it; otherwise 0 */
  readonly forkIn: number
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
 *
 * After a fork the pool may send texts of either branch. Those that continue the staged chain are staged. With the
 * first one that does not, the rest of what arrived is quarantined whole and counts for nothing.
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
      if (progress.forked && !examined.chainHolds) break
      const counted = examined.chainHolds || progress.suspects.has(suspectKey(next.seq, leaf))
      quarantined.push({ ...next, leaf, reason, counted, forkIn: 0 })
      if (!counted) {
        index++
        break
      }
    }
    stagedThrough = next.seq
    head = next.head
  }
  const rest = arrived.slice(index)
  const branch = progress.forked && rest[0]?.seq === stagedThrough + 1
  if (branch) quarantined.push(...rest.map((event) => forkedRow(event, FORKED, closed)))
  return { staged, quarantined, beyond: branch ? [] : rest, stagedThrough, head, lastStamp }
}

/**
 * The texts among `again` (numbers that count as staged) that are no repeats: another text is here under their number.
 * Numbers alone prove nothing, because a pool database that was set back gives numbers out again.
 */
export function forkedAmong(
  again: readonly EnvelopeEvent[],
  known: KnownTexts,
  closed: ClosedThrough,
): QuarantineRow[] {
  return again.flatMap((event) => {
    const staged = known.stagedBody(event.seq)
    if (staged === event.body || known.isQuarantined(event.seq, leafOf(event.body))) return []
    if (staged === undefined && !known.isCounted(event.seq)) return []
    return [forkedRow(event, staged === undefined ? CAME_AFTER : ANOTHER_TEXT, closed)]
  })
}

/** The texts among `again` whose numbers have nothing under them: they are to be filled again (`refill.ts`). */
export function unheldAmong(again: readonly EnvelopeEvent[], known: KnownTexts): EnvelopeEvent[] {
  return again.filter(
    ({ seq, body }) =>
      known.stagedBody(seq) === undefined && !known.isCounted(seq) && !known.isQuarantined(seq, leafOf(body)),
  )
}

/** @internal What the compliance database has under numbers that count as staged. */
export type KnownTexts = {
  readonly stagedBody: (seq: number) => string | undefined
  readonly isQuarantined: (seq: number, leaf: string) => boolean
  /** a text in quarantine stands in the number's place */
  readonly isCounted: (seq: number) => boolean
}

function forkedRow(event: EnvelopeEvent, reason: string, closed: ClosedThrough): QuarantineRow {
  return { ...event, leaf: leafOf(event.body), reason, counted: false, forkIn: closed.number + 1 }
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
