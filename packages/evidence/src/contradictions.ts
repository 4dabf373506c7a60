import { contradictionsInGaps, gapsOf, withoutGaps } from './accepted-gaps.ts'
import type { AddendumSource, IntervalSource, Manifest } from './manifest.ts'
import { contradictionsInNotRunning } from './not-running-contradictions.ts'
import { contradictionsInPages } from './page-contradictions.ts'
import { nameOfSource } from './source-name.ts'

/** The numbers of a source in the chain file of an export, as ranges with both ends included. */
export function numbersOf(
  manifest: Manifest,
  part: IntervalSource | AddendumSource,
): readonly (readonly [number, number])[] {
  if ('seqs' in part) return part.seqs
  return part.first === 0 ? [] : withoutGaps([[part.first, part.last]], gapsOf(manifest, part))
}

/** Contradictions within one manifest. Needs nothing but the manifest. */
export function contradictionsIn(manifest: Manifest): string[] {
  return [
    ...inInterval(manifest),
    ...inFiles(manifest),
    ...inCounts(manifest),
    ...contradictionsInPages(manifest),
    ...contradictionsInNotRunning(manifest),
    ...contradictionsInGaps(manifest),
    ...manifest.sources.flatMap((part) => [...inSource(manifest, part)].map((why) => `${nameOfSource(part)}: ${why}`)),
    ...inOrder(manifest.sources),
    ...inOrder(manifest.forks ?? []),
  ]
}

function* inInterval({ interval, number, previousManifestSha256 }: Manifest): Generator<string> {
  const { start, end, startMs, endMs } = interval
  if (Date.parse(start) !== startMs || Date.parse(end) !== endMs)
    yield 'the interval in words is not the one in numbers'
  if (startMs >= endMs) yield 'the interval ends before it starts'
  if ((number === 1) !== (previousManifestSha256 === null)) yield 'only export 1 has no manifest before it'
}

function* inFiles({ files }: Manifest): Generator<string> {
  if (files.filter((file) => file.role === 'chain').length !== 1) yield 'it does not list one chain file'
  if (new Set(files.map((file) => file.name)).size !== files.length) yield 'it lists a file twice'
}

function* inCounts(manifest: Manifest): Generator<string> {
  const { total, ...kinds } = manifest.counts
  const sum = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b, 0)
  if (sum(Object.values(kinds)) !== total) yield `the kinds do not add up to the total of ${total} events`
  const bySource = sum(manifest.sources.map((part) => part.count))
  if (bySource !== total) yield `the sources have ${bySource} events, the total is ${total}`
  for (const [kind, left] of Object.entries(manifest.omitted) as [keyof typeof kinds, number][])
    if (left > kinds[kind]) yield `it leaves out ${left} of ${kinds[kind]} events of kind ${kind}`
  const shown = total - sum(Object.values(manifest.omitted))
  const inDocuments = sum(manifest.files.filter((file) => file.role === 'document').map((file) => file.events))
  if (inDocuments !== shown) yield `its documents hold ${inDocuments} events, ${shown} are to be shown`
  const shownOf = (kind: 'file-upload' | 'file-download') => kinds[kind] - (manifest.omitted[kind] ?? 0)
  const transfers =
    manifest.options['createFileAttachmentsManifest'] === true ? shownOf('file-upload') + shownOf('file-download') : 0
  const attached = sum(manifest.files.filter((file) => file.role === 'attachments').map((file) => file.events))
  if (attached !== transfers) yield `its attachments files list ${attached} transfers, ${transfers} are to be listed`
  const numbers = sum(manifest.sources.map((part) => size(numbersOf(manifest, part))))
  const lines = manifest.files.find((file) => file.role === 'chain')?.events
  if (lines !== undefined && lines !== numbers)
    yield `its chain file has ${lines} lines, its sources ${numbers} numbers`
}

function* inSource(manifest: Manifest, part: IntervalSource | AddendumSource): Generator<string> {
  const ranges = numbersOf(manifest, part)
  if (!('seqs' in part)) {
    if (part.first > part.last) yield `its numbers run from ${part.first} to ${part.last}`
    if (part.first === 0 && part.head !== part.headBefore) yield 'its chain moved without a number'
  }
  let end = 0
  for (const [from, to] of ranges) {
    if (from <= end || to < from) yield 'its numbers are not in order'
    end = to
  }
  const strange = firstOutside(part.quarantined, ranges)
  if (strange !== undefined) yield `number ${strange} in quarantine is out of order or not of this export`
  const numbers = size(ranges)
  if (numbers !== part.count + part.quarantined.length)
    yield `it has ${numbers} numbers, of which ${part.count} are events and ${part.quarantined.length} in quarantine`
}

type Named = Parameters<typeof nameOfSource>[0]

function* inOrder(listed: readonly Named[]): Generator<string> {
  for (const [index, part] of listed.entries()) {
    const before = listed[index - 1]
    if (before && !comesBefore(before, part)) yield `${nameOfSource(part)} is not listed in its place`
  }
}

function comesBefore(a: Named, b: Named): boolean {
  if (a.source !== b.source) return a.source < b.source
  if (a.epoch !== b.epoch) return a.epoch < b.epoch
  return (a.incarnation ?? '') < (b.incarnation ?? '')
}

function size(ranges: readonly (readonly [number, number])[]): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0)
}

/** The first of `seqs` that is not ascending or is in none of the ranges. Both lists are read once. */
function firstOutside(seqs: readonly number[], ranges: readonly (readonly [number, number])[]): number | undefined {
  let index = 0
  let before = 0
  for (const seq of seqs) {
    while (index < ranges.length && ranges[index]![1] < seq) index++
    const range = ranges[index]
    if (seq <= before || !range || seq < range[0]) return seq
    before = seq
  }
  return undefined
}
