import { type ParsedChainLine, parseChainLine } from './chain-line.ts'
import { seqsOf } from './contradictions.ts'
import type { FindingKind } from './findings.ts'
import { type AddendumSource, hasIncarnations, type IntervalSource, type Manifest } from './manifest.ts'
import { cutLines } from './read-evidence.ts'
import { nameOfSource } from './source-name.ts'
import { advance, comeLate, leaveInterval, meetInterval, type SourceWalk } from './walk-source.ts'

type ChainFinding = {
  readonly what: FindingKind
  readonly message: string
  readonly source?: string | undefined
  readonly seq?: number | undefined
}

/**
 * Compares a chain file with its manifest, line by line, and computes the chains of its sources.
 *
 * The file must contain exactly the numbers of the manifest, in that order. The first unexpected line ends the
 * comparison, since every later line would be out of place. The walks then continue from the manifest's values, so
 * that later exports are still checked.
 */
export function verifyChainFile(
  manifest: Manifest,
  {
    walkOf,
    mayAnchor,
    report,
    onLine: onParsed = () => {},
  }: {
    walkOf: (part: { source: string; epoch: number; incarnation?: string | undefined }) => SourceWalk
    /** no interval came before this one: the chains may begin in the middle */
    mayAnchor: boolean
    report: (finding: ChainFinding) => void
    /** called with each line that is in its place */
    onLine?: (line: ParsedChainLine) => void
  },
): { take(bytes: Uint8Array): void; end(read: boolean): void } {
  const incarnations = hasIncarnations(manifest.format)
  const parts = manifest.sources.map((part) => partOf(part, walkOf(part)))
  let index = -1
  let line = 0
  let broken = false

  const reportOf = (part: Part) => (finding: { what: FindingKind; seq: number; message: string }) =>
    report({ ...finding, source: part.name, message: `${part.name}: ${finding.message}` })

  const enter = (part: Part): void => {
    if (!('first' in part.listed)) return
    const { first, last, headBefore } = part.listed
    meetInterval(part.walk, { before: first === 0 ? last : first - 1, head: headBefore, mayAnchor }, reportOf(part))
  }
  const leave = (part: Part): void => {
    if ('first' in part.listed) {
      for (const seq of part.listed.quarantined)
        if (!part.walk.outstanding.has(seq)) part.walk.outstanding.set(seq, { export: manifest.number })
      leaveInterval(part.walk, part.listed, part.through ? reportOf(part) : () => {})
    }
    const wrong = part.through ? differenceOf(part.marked, part.listed.quarantined) : undefined
    if (wrong === undefined) return
    const message = `${part.name}: manifest and chain file do not agree that number ${wrong} is in quarantine`
    report({ what: 'chain-line', source: part.name, seq: wrong, message })
  }
  /** Moves on to the next part that has numbers. */
  const proceed = (): Part | undefined => {
    for (let part = parts[index]; ; part = parts[index]) {
      if (part && part.due !== undefined) return part
      if (part) {
        part.through = true
        leave(part)
      }
      const next = parts[++index]
      if (!next) return undefined
      enter(next)
    }
  }
  const breakOff = (finding: ChainFinding): void => {
    broken = true
    report({ ...finding, message: `${finding.message} (line ${line})` })
  }

  const onLine = (text: string): void => {
    line++
    if (broken) return
    const parsed = parseChainLine(text, { incarnations })
    if (!parsed) return breakOff({ what: 'chain-line', message: 'a line that is none' })
    const due = proceed()
    const { seq, leaf, quarantinedHead } = parsed
    const found = `${nameOfSource({ ...parsed, source: parsed.escapedSource })}/${seq}`
    if (!due) return breakOff({ what: 'chain-line', message: `${found} follows the last number of the export` })
    const same = parsed.escapedSource === due.escapedSource && parsed.epoch === due.listed.epoch
    if (!same || (parsed.incarnation ?? '') !== (due.listed.incarnation ?? '') || seq !== due.due) {
      const message = `${due.name}: number ${due.due} is due, ${found} is there`
      return breakOff({ what: 'chain-line', source: due.name, seq: due.due, message })
    }
    const link = { seq, leaf, quarantinedHead, export: manifest.number }
    if (quarantinedHead !== undefined) due.marked.push(seq)
    if (manifest.kind === 'interval') advance(due.walk, link)
    else comeLate(due.walk, link, reportOf(due))
    nextDue(due)
    onParsed(parsed)
  }

  const lines = cutLines(onLine)
  return {
    take: lines.take,
    end(read) {
      if (!read) broken = true
      if (!broken && lines.rest() !== '') {
        line++
        breakOff({ what: 'chain-line', message: 'the file ends within a line' })
      }
      const due = broken ? undefined : proceed()
      if (due) {
        const message = `${due.name}: number ${due.due} is due, the file ends`
        breakOff({ what: 'chain-line', source: due.name, seq: due.due, message })
      }
      for (let part = parts[index] ?? proceedTo(); part; part = proceedTo()) leave(part)
    },
  }

  function proceedTo(): Part | undefined {
    const next = parts[++index]
    if (next) enter(next)
    return next
  }
}

type Part = {
  readonly listed: IntervalSource | AddendumSource
  readonly name: string
  readonly escapedSource: string
  readonly walk: SourceWalk
  readonly ranges: readonly (readonly [number, number])[]
  readonly marked: number[]
  range: number
  due: number | undefined
  /** all of its lines were present */
  through: boolean
}

function partOf(listed: IntervalSource | AddendumSource, walk: SourceWalk): Part {
  const { source } = listed
  // A manifest may contradict itself: a range that runs backwards has no numbers.
  const ranges = seqsOf(listed).filter(([from, to]) => from <= to)
  const name = nameOfSource(listed)
  const escapedSource = encodeURIComponent(source)
  return { listed, name, escapedSource, walk, ranges, marked: [], range: 0, due: ranges[0]?.[0], through: false }
}

function nextDue(part: Part): void {
  if (part.due! < part.ranges[part.range]![1]) part.due! += 1
  else part.due = part.ranges[++part.range]?.[0]
}

function differenceOf(a: readonly number[], b: readonly number[]): number | undefined {
  const index = Array.from({ length: Math.max(a.length, b.length) }).findIndex((_, i) => a[i] !== b[i])
  return index === -1 ? undefined : Math.min(a[index] ?? Number.MAX_SAFE_INTEGER, b[index] ?? Number.MAX_SAFE_INTEGER)
}
