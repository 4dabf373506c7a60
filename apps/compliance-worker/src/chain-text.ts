import { type AddendumSource, chainLine, type IntervalSource, rangesOf } from '@hansard/evidence'
import type { Database } from '@hansard/sql'
import {
  type ChainLink,
  chainOfAddendum,
  chainOfInterval,
  type Export,
  type ExportSource,
  sourcesOfAddendum,
  sourcesOfInterval,
} from '@hansard/staging'

/**
 * The chain file of an export: one line for every number that it accounts for, with the hash of the event's text,
 * sorted by source, epoch and number.
 *
 * It is streamed, because it may have millions of lines. The summary of each source for the manifest is collected on
 * the way; read it after the last line was consumed.
 */
export function chainText(db: Database, planned: Export): ChainText {
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
    for (const { id, source, epoch } of await sourcesOfAddendum(db, planned)) {
      const seqs: number[] = []
      const quarantined: number[] = []
      yield* linesOf({ source, epoch }, chainOfAddendum(db, planned, id), ({ seq, kind }) => {
        seqs.push(seq)
        if (kind === null) quarantined.push(seq)
      })
      ofAddendum.push({ source, epoch, seqs: rangesOf(seqs), count: seqs.length - quarantined.length, quarantined })
    }
  }

  async function* linesOf(
    { source, epoch }: { source: string; epoch: number },
    links: AsyncIterable<ChainLink>,
    note: (link: ChainLink) => void,
  ) {
    // Many lines in one chunk: one disk write per line would take longer than everything else.
    let piece = ''
    for await (const link of links) {
      numbers += 1
      if (link.kind !== null) events += 1
      note(link)
      const { seq, leaf, head, kind } = link
      piece += chainLine({ source, epoch, seq, leaf, quarantinedHead: kind === null ? head : undefined })
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

type ChainText = {
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
  const { source: name, epoch, state, afterSeq, headAfter, throughSeq, headThrough } = source
  const numbers = throughSeq - afterSeq
  return {
    source: name,
    epoch,
    state,
    first: numbers === 0 ? 0 : afterSeq + 1,
    last: throughSeq,
    count: numbers - quarantined.length,
    headBefore: headAfter,
    head: headThrough,
    quarantined,
  }
}
