import { type AddendumSource, chainLine, hasIncarnations, type IntervalSource, rangesOf } from '@hansard/evidence'
import type { Database } from '@hansard/sql'
import {
  type ChainLink,
  chainOfAddendum,
  chainOfInterval,
  type Export,
  type ExportSource,
  type SourceIdentity,
  sourcesOfAddendum,
  sourcesOfInterval,
} from '@hansard/staging'

/**
 * The chain file of an export: one line for every number that it accounts for, with the hash of the event's text,
 * sorted by source, epoch, incarnation and number.
 *
 * It is streamed, because it may have millions of lines. The summary of each source for the manifest is collected on
 * the way; read it after the last line was consumed. `onLink` is called with every number before its line is written.
 */
export function chainText(
  db: Database,
  planned: Export,
  format: string,
  onLink: (link: ChainLink) => Promise<void> | undefined = () => undefined,
): ChainText {
  const ofInterval: IntervalSource[] = []
  const ofAddendum: AddendumSource[] = []
  let numbers = 0
  let events = 0

  async function* intervalLines() {
    for (const source of await sourcesOfInterval(db, planned.intervalNumber)) {
      const quarantined: number[] = []
      yield* linesOf(source, chainOfInterval(db, source), (link) => {
        if (link.kind === null) quarantined.push(link.seq)
      })
      ofInterval.push(describe(source, quarantined))
    }
  }

  async function* addendumLines() {
    for (const { id, source, epoch, incarnation } of await sourcesOfAddendum(db, planned)) {
      const seqs: number[] = []
      const quarantined: number[] = []
      yield* linesOf({ source, epoch, incarnation }, chainOfAddendum(db, planned, id), ({ seq, kind }) => {
        seqs.push(seq)
        if (kind === null) quarantined.push(seq)
      })
      const count = seqs.length - quarantined.length
      ofAddendum.push({ source, epoch, incarnation, seqs: rangesOf(seqs), count, quarantined })
    }
  }

  async function* linesOf(
    { source, epoch, incarnation }: Required<SourceIdentity>,
    links: AsyncIterable<ChainLink>,
    note: (link: ChainLink) => void,
  ) {
    const shown = hasIncarnations(format)
    // Many lines in one chunk: one disk write per line would take longer than everything else.
    let piece = ''
    for await (const link of links) {
      numbers += 1
      if (link.kind !== null) events += 1
      note(link)
      // Mostly there is nothing to wait for, and waiting a million times takes seconds.
      const pending = onLink(link)
      if (pending) await pending
      const { seq, leaf, head, kind } = link
      const quarantinedHead = kind === null ? head : undefined
      piece += chainLine({ source, epoch, incarnation: shown ? incarnation : undefined, seq, leaf, quarantinedHead })
      if (piece.length > PIECE) {
        yield piece
        piece = ''
      }
    }
    if (piece !== '') yield piece
  }

  return {
    lines: planned.kind === 'interval' ? intervalLines : addendumLines,
    sources: () =>
      planned.kind === 'interval'
        ? { kind: 'interval', sources: ofInterval }
        : { kind: 'addendum', sources: ofAddendum },
    numbers: () => numbers,
    events: () => events,
  }
}

export type ChainText = {
  lines(): AsyncIterable<string>
  sources(): ManifestSources
  /** lines */
  numbers(): number
  /** lines whose events are in the documents */
  events(): number
}

export type ManifestSources =
  | { readonly kind: 'interval'; readonly sources: IntervalSource[] }
  | { readonly kind: 'addendum'; readonly sources: AddendumSource[] }

const PIECE = 64 * 1_024

function describe(source: ExportSource, quarantined: number[]): IntervalSource {
  const { source: name, epoch, incarnation, state, afterSeq, headAfter, throughSeq, headThrough } = source
  const numbers = throughSeq - afterSeq
  return {
    source: name,
    epoch,
    incarnation,
    state,
    first: numbers === 0 ? 0 : afterSeq + 1,
    last: throughSeq,
    count: numbers - quarantined.length,
    headBefore: headAfter,
    head: headThrough,
    quarantined,
  }
}
