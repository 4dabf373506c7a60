import { genesisHead, type Head, nextHead } from '@hansard/compliance-event'
import { type AcceptedGap, orderGap } from './accepted-gaps.ts'
import type { ChainLine } from './chain-line.ts'
import type { FindingKind, Outstanding, SeriesGap } from './findings.ts'

/**
 * The chain of one source, walked over all exports of a series in the order they were sealed.
 *
 * Intervals contain a source's numbers in order, so one number and one head are enough state, however long the
 * record. Only exceptions are kept: quarantined numbers until an addendum contains them, and numbers that an addendum
 * contains before their predecessors.
 */
export type SourceWalk = {
  readonly source: string
  readonly epoch: number
  readonly incarnation: string
  /** numbers up to this one are accounted for, apart from the gaps */
  last: number
  head: Head
  /** the chain was taken up after this number, trusting the first manifest */
  anchor: number
  readonly holes: Hole[]
  readonly ahead: Map<number, Link>
  readonly outstanding: Map<number, Waiting>
  /** the accepted gaps that the manifests of the series name */
  readonly knownGaps: readonly AcceptedGap[]
  /** accepted gaps, in the order they were passed */
  readonly gaps: PassedGap[]
  /** numbers of gaps that an addendum contains before the gap is passed */
  readonly early: Map<number, Link>
  /** accepted gaps in front of late numbers, until the numbers before them are here */
  readonly gapsAhead: ListedGap[]
  /** the last export that listed the source as alive, if none since has listed it as ended */
  aliveIn: number | undefined
}

type ListedGap = { readonly gap: AcceptedGap; readonly export: number }
type PassedGap = ListedGap & {
  /** undefined right after another gap */
  readonly headBefore: Head | undefined
  /** those of its numbers that have arrived, in an addendum */
  readonly links: Map<number, Link>
  /** the number after it */
  next?: { readonly leaf: string; readonly head: Head }
}

type Link = Pick<ChainLine, 'seq' | 'leaf' | 'quarantinedHead'> & { readonly export: number }
type Hole = { from: number; to: number; headBefore: Head; headAfter: Head; links: Map<number, Link> }
type Waiting = { readonly export: number; readonly claim?: { headBefore: Head; leaf: string; head: Head } }

type WalkFinding = { readonly what: FindingKind; readonly seq: number; readonly message: string }
type Report = (finding: WalkFinding) => void

export function startWalk(
  { source, epoch, incarnation = '' }: { source: string; epoch: number; incarnation?: string | undefined },
  knownGaps: readonly AcceptedGap[],
): SourceWalk {
  return {
    source,
    epoch,
    incarnation,
    last: 0,
    head: genesisHead(source, epoch, incarnation),
    anchor: 0,
    holes: [],
    ahead: new Map(),
    outstanding: new Map(),
    knownGaps,
    gaps: [],
    early: new Map(),
    gapsAhead: [],
    aliveIn: undefined,
  }
}

/**
 * An interval says that the source was at `head` after number `before`. A difference is reported, and the walk
 * continues from the manifest's value, so that one loss is not reported many times.
 */
export function meetInterval(
  walk: SourceWalk,
  { before, head, mayAnchor }: { before: number; head: Head; mayAnchor: boolean },
  report: Report,
): void {
  takeAhead(walk, report)
  if (before > walk.last) {
    if (mayAnchor) walk.anchor = before
    else walk.holes.push(holeUpTo(walk, before, head))
    for (const seq of walk.ahead.keys()) if (seq <= before) walk.ahead.delete(seq)
    walk.gapsAhead.length = 0
  } else if (before < walk.last) {
    report({ what: 'chain-twice', seq: before + 1, message: `number ${before + 1} is in an earlier export already` })
  } else if (head !== walk.head) {
    const message =
      before === 0 ? 'the chain does not begin with the name of its source' : `the chain broke at or before ${before}`
    report({ what: 'chain-head', seq: before, message })
  }
  walk.last = before
  walk.head = head
}

/** The next number of an interval. */
export function advance(walk: SourceWalk, link: Link, report: Report): void {
  const passed = walk.gaps.at(-1)
  if (passed && passed.next === undefined && passed.gap.to === link.seq - 1) {
    // The head at the end of the gap may be unknown: then the chain goes on from the one after it.
    const { head, headAfter: next } = passed.gap
    if (next === null) walk.head = headAfter(walk, head ?? walk.head, link)
    else walk.head = link.quarantinedHead ?? next
    if (next !== null && link.quarantinedHead !== undefined) walk.outstanding.set(link.seq, { export: link.export })
    passed.next = { leaf: link.leaf, head: walk.head }
    proveFilled(passed, report)
  } else {
    walk.head = headAfter(walk, walk.head, link)
  }
  walk.last = link.seq
}

/** Numbers that were accepted as a gap. What has arrived of them stands in an addendum. */
export function passGap(walk: SourceWalk, listed: ListedGap, report: Report): void {
  const { from, to, head } = listed.gap
  if (from <= walk.last) {
    report({
      what: 'chain-twice',
      seq: from,
      message: `number ${from} was accepted as a gap, and is in an earlier export`,
    })
    return
  }
  if (from > walk.last + 1) {
    walk.gapsAhead.push(listed)
    return
  }
  const after = walk.gaps.at(-1)
  const unknown = after !== undefined && after.gap.to === from - 1 && after.gap.head === null
  const links = new Map([...walk.early].filter(([seq]) => seq >= from && seq <= to))
  const passed = { ...listed, headBefore: unknown ? undefined : walk.head, links }
  walk.gaps.push(passed)
  walk.last = to
  if (head !== null) walk.head = head
  proveFilled(passed, report)
}

/** Once every number of a gap has arrived, the chain proves them. */
function proveFilled({ gap, headBefore, links, next }: PassedGap, report: Report): void {
  if (links.size <= gap.to - gap.from || headBefore === undefined) return
  let head = headBefore
  for (let seq = gap.from; seq <= gap.to; seq++) head = nextHead(head, links.get(seq)!.leaf)
  if (gap.head !== null ? head === gap.head : next === undefined || nextHead(head, next.leaf) === next.head) return
  const message = `the hashes of numbers ${gap.from} to ${gap.to}, which came late, do not continue the chain`
  report({ what: 'chain-head', seq: gap.to, message })
}

/** All numbers of the interval have been read: the walk must be where the manifest says. */
export function leaveInterval(walk: SourceWalk, { last, head }: { last: number; head: Head }, report: Report): void {
  if (walk.last === last && walk.head !== head) {
    const message = `the hashes up to number ${last} do not lead to the head in the manifest`
    report({ what: 'chain-head', seq: last, message })
  }
  walk.last = last
  walk.head = head
}

/** A number of an addendum: a quarantined one, a missing one, or the next. */
export function comeLate(walk: SourceWalk, link: Link, report: Report): void {
  const { seq } = link
  const waiting = walk.outstanding.get(seq)
  const hole = walk.holes.find(({ from, to }) => seq >= from && seq <= to)
  const inGap = walk.knownGaps.some(({ from, to }) => seq >= from && seq <= to)
  const passed = walk.gaps.find(({ gap }) => seq >= gap.from && seq <= gap.to)
  const arrived = passed?.links ?? walk.early
  if (waiting) settle(walk, waiting, link, report)
  else if (hole && !hole.links.has(seq)) fill(walk, hole, link, report)
  else if (inGap && !arrived.has(seq)) {
    arrived.set(seq, link)
    if (passed) proveFilled(passed, report)
  } else if (seq > walk.last && !walk.ahead.has(seq)) walk.ahead.set(seq, link)
  else if (seq > walk.anchor || walk.ahead.has(seq) || inGap)
    report({ what: 'chain-twice', seq, message: `number ${seq} is in an earlier export already` })
  takeAhead(walk, report)
}

/** What is still missing after the last export. */
export function finishWalk(walk: SourceWalk, report: Report): void {
  const missing = walk.holes.map(({ from, to, links }) => ({ from, to, has: (seq: number) => links.has(seq) }))
  let furthest = 0
  for (const seq of walk.ahead.keys()) furthest = Math.max(furthest, seq)
  if (furthest > 0) missing.push({ from: walk.last + 1, to: furthest, has: (seq) => walk.ahead.has(seq) })
  for (const { from, to, has } of missing) {
    const first = firstMissing(from, to, (seq) => !has(seq))
    const last = firstMissing(to, from, (seq) => !has(seq))
    const numbers = first === last ? `number ${first} is` : `numbers ${first} to ${last} are`
    report({ what: 'chain-gap', seq: first, message: `${numbers} in no export` })
  }
}

export function outstandingOf(walk: SourceWalk): Outstanding[] {
  return [...walk.outstanding].map(([seq, waiting]) => ({
    source: walk.source,
    epoch: walk.epoch,
    incarnation: walk.incarnation,
    seq,
    export: waiting.export,
    altered:
      waiting.claim !== undefined && nextHead(waiting.claim.headBefore, waiting.claim.leaf) !== waiting.claim.head,
  }))
}

/** What was accepted as missing, and how many of it have arrived since. */
export function acceptedGapsOf(walk: SourceWalk): SeriesGap[] {
  return walk.gaps.map(({ gap, export: number, links }) => ({ ...orderGap(gap), export: number, arrived: links.size }))
}

function headAfter(walk: SourceWalk, headBefore: Head, link: Link): Head {
  const { seq, leaf, quarantinedHead } = link
  if (quarantinedHead === undefined) return nextHead(headBefore, leaf)
  walk.outstanding.set(seq, { export: link.export, claim: { headBefore, leaf, head: quarantinedHead } })
  return quarantinedHead
}

function takeAhead(walk: SourceWalk, report: Report): void {
  for (;;) {
    const next = walk.last + 1
    const link = walk.ahead.get(next)
    const gap = walk.gapsAhead.findIndex((listed) => listed.gap.from === next)
    if (gap >= 0) passGap(walk, walk.gapsAhead.splice(gap, 1)[0]!, report)
    else if (link) {
      walk.ahead.delete(next)
      advance(walk, link, report)
    } else return
  }
}

function holeUpTo(walk: SourceWalk, to: number, headAfter: Head): Hole {
  const links = new Map([...walk.ahead].filter(([seq]) => seq <= to))
  return { from: walk.last + 1, to, headBefore: walk.head, headAfter, links }
}

function fill(walk: SourceWalk, hole: Hole, link: Link, report: Report): void {
  hole.links.set(link.seq, link)
  if (hole.links.size <= hole.to - hole.from) return
  walk.holes.splice(walk.holes.indexOf(hole), 1)
  let head = hole.headBefore
  for (let seq = hole.from; seq <= hole.to; seq++) head = headAfter(walk, head, hole.links.get(seq)!)
  if (head === hole.headAfter) return
  const message = `the hashes of numbers ${hole.from} to ${hole.to}, which came late, do not continue the chain`
  report({ what: 'chain-head', seq: hole.to, message })
}

function settle(walk: SourceWalk, { claim }: Waiting, link: Link, report: Report): void {
  if (link.quarantinedHead !== undefined) return
  walk.outstanding.delete(link.seq)
  if (!claim || nextHead(claim.headBefore, link.leaf) === claim.head) return
  const message = `number ${link.seq} came out of quarantine as another text than was accepted`
  report({ what: 'chain-head', seq: link.seq, message })
}

function firstMissing(from: number, to: number, isMissing: (seq: number) => boolean): number {
  const step = from <= to ? 1 : -1
  let seq = from
  while (seq !== to && !isMissing(seq)) seq += step
  return seq
}
