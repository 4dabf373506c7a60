import { z } from 'zod'
import { sourceName } from './source-members.ts'
import { nameOfSource } from './source-name.ts'

const number = z.int().min(1)
const head = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in lowercase hexadecimal')
  .nullable()
const text = z
  .string()
  .min(1)
  .refine((name) => name.isWellFormed(), 'not a text')

/**
 * Numbers of a source that no database has any more, and that two people have accepted as missing. One of the two
 * heads is known: the chain goes on from it.
 */
export const AcceptedGap = z.strictObject({
  ...sourceName,
  /** both included */
  from: number,
  to: number,
  /** the chain at `to`, where the source has reported it */
  head,
  /** otherwise the chain at the number after it, as the source recorded it */
  headAfter: head,
  acceptedBy: z.tuple([text, text]),
  at: z.iso.datetime({ precision: 3 }),
  reason: text,
})
export type AcceptedGap = z.infer<typeof AcceptedGap>

export function orderGap(gap: AcceptedGap): AcceptedGap {
  const { source, epoch, incarnation = '', from, to, head, headAfter, acceptedBy, at, reason } = gap
  return { source, epoch, incarnation, from, to, head, headAfter, acceptedBy, at, reason }
}

type Ranges = readonly (readonly [number, number])[]
type Listed = Parameters<typeof nameOfSource>[0]
type Export = { readonly acceptedGaps?: readonly AcceptedGap[] | undefined }

/** The accepted gaps of a source in an export, ascending. */
export function gapsOf({ acceptedGaps = [] }: Export, part: Listed): AcceptedGap[] {
  const name = nameOfSource(part)
  return acceptedGaps.filter((gap) => nameOfSource(gap) === name)
}

/** Ranges of numbers without those of accepted gaps. */
export function withoutGaps(ranges: Ranges, gaps: readonly AcceptedGap[]): [number, number][] {
  return gaps.reduce<[number, number][]>(
    (left, gap) =>
      left.flatMap(([from, to]) => {
        const pieces: [number, number][] = [
          [from, Math.min(to, gap.from - 1)],
          [Math.max(from, gap.to + 1), to],
        ]
        return pieces.filter(([first, last]) => first <= last)
      }),
    ranges.map(([from, to]) => [from, to]),
  )
}

type Part = Listed & { readonly first?: number; readonly last?: number; readonly head?: string; readonly seqs?: Ranges }

/** What the accepted gaps of a manifest say that cannot be true. docs/verify.py says the same. */
export function* contradictionsInGaps(manifest: Export & { readonly sources: readonly Part[] }): Generator<string> {
  const gaps = manifest.acceptedGaps ?? []
  for (const [index, gap] of gaps.entries()) {
    const [before, after] = [gaps[index - 1], gaps[index + 1]]
    const name = nameOfSource(gap)
    // Another gap may follow at once: then the chain goes on after that one.
    const adjoins = after?.from === gap.to + 1 && nameOfSource(after) === name
    const gone = `${name}: the gap from ${gap.from} to ${gap.to}`
    if (gap.to < gap.from) yield `${gone} ends before it begins`
    if (gap.acceptedBy[0] === gap.acceptedBy[1]) yield `${gone} was accepted by one person`
    const heads = [gap.head, gap.headAfter].filter((known) => known !== null).length
    if (heads > 1 || (heads === 0 && !adjoins)) yield `${gone} does not have one of two heads`
    if (before && !follows(before, gap)) yield `${gone} is not listed in its place`
    const part = manifest.sources.find((listed) => nameOfSource(listed) === name)
    const ends = part && 'first' in part && part.last === gap.to
    if (!part || !isIn(gap, part, adjoins) || (ends && part.head !== gap.head)) yield `${gone} is not of this export`
  }
}

function isIn({ from, to }: AcceptedGap, { first, last, seqs }: Part, adjoins: boolean): boolean {
  if (first !== undefined) return first > 0 && from >= first && to <= last!
  const ranges = seqs ?? []
  return (
    (adjoins || ranges.some(([start]) => start === to + 1)) &&
    !ranges.some(([start, end]) => start <= to && end >= from)
  )
}

function follows(a: AcceptedGap, b: AcceptedGap): boolean {
  if (a.source !== b.source) return a.source < b.source
  if (a.epoch !== b.epoch) return a.epoch < b.epoch
  const [first, second] = [a.incarnation ?? '', b.incarnation ?? '']
  return first === second ? a.to < b.from : first < second
}
