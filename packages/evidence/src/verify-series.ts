import { addLeaf, EMPTY_TREE, leafHash, type TreeFrontier } from '@hansard/signing'
import { contradictionsIn } from './contradictions.ts'
import { MANIFEST_SUFFIX, stemOfExportFile } from './file-names.ts'
import type { Finding, FindingPlace, SealedIncomplete, SeriesReport, Unreadable } from './findings.ts'
import { forkMessage } from './forks.ts'
import { hasIncarnations, type Manifest, parseManifest } from './manifest.ts'
import { describePage } from './pages.ts'
import { treeLeaf } from './pool-manifest.ts'
import { type EvidenceDirectory, readHashed } from './read-evidence.ts'
import { type SettingChange, settingChanges } from './setting-changes.ts'
import { nameOfSource } from './source-name.ts'
import { verifyChainFile } from './verify-chain-file.ts'
import { RECORD_PROFILE, verifyTexts } from './verify-texts.ts'
import { finishWalk, outstandingOf, type SourceWalk, startWalk } from './walk-source.ts'

/**
 * Verifies one series: all exports of one adapter, in one directory.
 *
 * Nothing a manifest says is trusted where it can be computed: sizes and hashes from the files, heads from the chain
 * files, counts from both, completeness from the numbers. `trust` says what was believed without proof.
 *
 * "Cannot be read" and "differs from what was sealed" are different answers. A failing disk must not look like a
 * forgery, nor a forgery like a failing disk. Once a manifest could not be read, missing numbers are no longer
 * counted against the evidence.
 *
 * Files are streamed, and manifests are read one at a time, so a year of exports needs little more memory than one
 * export.
 */
export async function verifySeries(
  directory: EvidenceDirectory,
  onExport: (seen: SeenExport) => void = () => {},
): Promise<SeriesReport> {
  const series = newSeries(directory, onExport)
  const found = await findManifests(series)
  for (const { file, sha256 } of found) await verifyExport(series, file, sha256)
  reportUnlisted(series)
  for (const walk of series.walks.values()) {
    finishWalk(walk, (finding) => {
      const source = nameOfSource(walk)
      incomplete(series, { ...finding, source, message: `${source}: ${finding.message}` })
    })
  }
  return reportOf(series)
}

/** An export as it was found, for the comparison with the pool manifests. */
export type SeenExport = {
  readonly number: number
  readonly sha256: string
  /** undefined: an addendum */
  readonly startMs: number | undefined
  readonly endMs: number | undefined
  /** start and end, of an addendum too */
  readonly window: string
  readonly incarnations: boolean
  readonly chainSha256: string | undefined
  /** events by kind */
  readonly counts: string
  /** over all lines of the chain files up to this export; undefined if one of them is not in order */
  readonly tree: TreeFrontier | undefined
}

type Series = {
  readonly directory: EvidenceDirectory
  readonly onExport: (seen: SeenExport) => void
  readonly unlisted: Set<string>
  readonly unreliable: Set<string>
  readonly walks: Map<string, SourceWalk>
  readonly findings: Finding[]
  readonly unreadable: Unreadable[]
  readonly because: string[]
  readonly incomplete: SealedIncomplete[]
  readonly changes: SettingChange[]
  approvedByOne: number
  pagesNotCompared: number
  /** undefined: no export of the record series has been seen */
  texts: number | undefined
  blind: boolean
  tree: TreeFrontier | undefined
  identity: { pool: string; adapter: string } | undefined
  exports: number
  documents: number
  events: number
  first: Manifest | undefined
  previous: { manifest: Manifest; file: string; sha256: string } | undefined
  /** where the interval before this one ended; undefined if an export between them is missing */
  tiledTo: number | undefined
  firstStart: string | undefined
  lastEnd: string | undefined
  seenInterval: boolean
}

function newSeries(directory: EvidenceDirectory, onExport: Series['onExport']): Series {
  return {
    directory,
    onExport,
    tree: EMPTY_TREE,
    unlisted: new Set(directory.files.filter((name) => stemOfExportFile(name) !== undefined)),
    unreliable: new Set(),
    walks: new Map(),
    findings: [],
    unreadable: [],
    because: [],
    incomplete: [],
    changes: [],
    approvedByOne: 0,
    pagesNotCompared: 0,
    texts: undefined,
    blind: false,
    identity: undefined,
    exports: 0,
    documents: 0,
    events: 0,
    first: undefined,
    previous: undefined,
    tiledTo: undefined,
    firstStart: undefined,
    lastEnd: undefined,
    seenInterval: false,
  }
}

function broken(series: Series, finding: Omit<Finding, 'series'>): void {
  series.findings.push({ series: series.directory.name, ...finding })
}

function cannotRead(series: Series, unreadable: Omit<Unreadable, 'series'>): void {
  series.unreadable.push({ series: series.directory.name, ...unreadable })
}

/** Something is missing. If something else could not be read, the two may be the same. */
function incomplete(series: Series, finding: Omit<Finding, 'series'>): void {
  if (!series.blind) return broken(series, finding)
  const { what: _, message, ...place } = finding
  cannotRead(series, {
    ...(place as Omit<FindingPlace, 'series'>),
    message: `${message}, or in what could not be read`,
  })
}

/** The manifests in the order of their numbers. Names give no order: an addendum is named after an old interval. */
async function findManifests(series: Series): Promise<{ file: string; sha256: string; number: number }[]> {
  const found: { file: string; sha256: string; number: number }[] = []
  for (const file of series.directory.files.filter((name) => name.endsWith(MANIFEST_SUFFIX)).sort()) {
    series.unlisted.delete(file)
    const read = await readManifest(series, file)
    if (read.outcome === 'parsed') {
      const { pool, adapter, number } = read.manifest
      series.identity ??= { pool, adapter: adapter.name }
      if (series.identity.pool === pool && series.identity.adapter === adapter.name) {
        found.push({ file, sha256: read.sha256, number })
        continue
      }
      const message = `${file} is of ${pool}, ${adapter.name}; this directory holds ${series.identity.pool}, ${series.identity.adapter}`
      broken(series, { what: 'wrong-series', file, message })
    } else if (read.outcome === 'altered') {
      broken(series, { what: 'manifest-altered', file, message: `${file} was altered: ${read.reason}` })
    } else {
      series.blind = true
      cannotRead(series, { file, message: `${file}: ${read.reason}` })
    }
    series.unreliable.add(stemOfExportFile(file) ?? file)
  }
  return found.sort((a, b) => a.number - b.number)
}

type ManifestRead =
  | { readonly outcome: 'parsed'; readonly manifest: Manifest; readonly sha256: string }
  | { readonly outcome: 'altered' | 'unknown' | 'unreadable'; readonly reason: string }

async function readManifest({ directory }: Series, file: string): Promise<ManifestRead> {
  const chunks: Uint8Array[] = []
  const read = await readHashed(directory, file, (bytes) => chunks.push(Uint8Array.from(bytes)))
  if (read.outcome === 'missing') return { outcome: 'unreadable', reason: 'it was there a moment ago' }
  if (read.outcome === 'unreadable') return read
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks))
  } catch {
    return { outcome: 'altered', reason: 'it is not UTF-8' }
  }
  const parsed = parseManifest(text)
  return parsed.outcome === 'parsed' ? { ...parsed, sha256: read.sha256 } : parsed
}

async function verifyExport(series: Series, file: string, sha256: string): Promise<void> {
  const read = await readManifest(series, file)
  if (read.outcome !== 'parsed' || read.sha256 !== sha256) {
    const message = `${file} changed while it was being verified`
    return cannotRead(series, { file, message })
  }
  const { manifest } = read
  const { number } = manifest
  const place = { export: number, file }
  for (const message of contradictionsIn(manifest))
    broken(series, { what: 'manifest-contradiction', ...place, message: `${file}: ${message}` })
  if (!isNext(series, manifest, place)) return
  for (const fork of manifest.forks ?? []) {
    const source = nameOfSource(fork)
    broken(series, { what: 'fork', ...place, source, seq: fork.seq, message: forkMessage(fork, file, source) })
  }
  for (const listed of manifest.files) await verifyFile(series, manifest, listed)
  if (manifest.adapter.profile === RECORD_PROFILE) {
    series.texts ??= 0
    series.texts += await verifyTexts(series.directory, manifest, (finding) =>
      broken(series, { what: 'record-text', export: number, ...finding }),
    )
  }
  if (manifest.kind === 'interval') verifyRollOfSources(series, manifest, place)

  if (manifest.pages === undefined) series.pagesNotCompared += 1
  for (const page of manifest.pages ?? []) {
    const message = `${page.file} ${describePage(page)}`
    series.incomplete.push({ export: number, file: page.file, message })
  }
  if (series.previous) series.changes.push(...settingChanges(series.previous.manifest, manifest))
  if (manifest.approval === 'one-person') series.approvedByOne += 1
  series.first ??= manifest
  series.previous = { manifest, file, sha256 }
  series.exports += 1
  series.events += manifest.counts.total
  const { startMs, endMs } = manifest.kind === 'interval' ? manifest.interval : {}
  series.onExport({
    ...{ number, sha256, startMs, endMs, tree: series.tree },
    window: `${manifest.interval.startMs}-${manifest.interval.endMs}`,
    incarnations: hasIncarnations(manifest.format),
    chainSha256: manifest.files.find(({ role }) => role === 'chain')?.sha256,
    counts: JSON.stringify(manifest.counts),
  })
  if (manifest.kind === 'interval') {
    series.seenInterval = true
    series.tiledTo = manifest.interval.endMs
    series.firstStart ??= manifest.interval.start
    series.lastEnd = manifest.interval.end
  }
}

/** Checks its number, its link to the manifest before it, and its place in time. */
function isNext(series: Series, manifest: Manifest, place: { export: number; file: string }): boolean {
  const { number, interval, previousManifestSha256 } = manifest
  const { previous } = series
  if (!previous) {
    if (number > 1) {
      const numbers = number === 2 ? 'export 1 is' : `exports 1 to ${number - 1} are`
      series.because.push(`${numbers} not in this directory`)
      series.tree = undefined
    }
  } else if (number === previous.manifest.number) {
    const message = `${place.file} has number ${number}, as ${previous.file} has`
    broken(series, { what: 'export-twice', ...place, message })
    series.unreliable.add(stemOfExportFile(place.file) ?? place.file)
    return false
  } else if (number > previous.manifest.number + 1) {
    const first = previous.manifest.number + 1
    const numbers = first === number - 1 ? `export ${first} is` : `exports ${first} to ${number - 1} are`
    incomplete(series, { what: 'export-missing', export: first, message: `${numbers} missing` })
    series.tiledTo = undefined
    series.tree = undefined
  } else if (previousManifestSha256 !== previous.sha256) {
    const message = `${place.file} was sealed after another manifest than ${previous.file} is now`
    broken(series, { what: 'previous-manifest', ...place, message })
  }
  if (manifest.kind === 'interval' && series.tiledTo !== undefined && interval.startMs !== series.tiledTo) {
    const message = `${place.file} begins at ${interval.start}, the interval before it ended at ${new Date(series.tiledTo).toISOString()}`
    broken(series, { what: 'interval-gap', ...place, message })
  }
  return true
}

async function verifyFile(series: Series, manifest: Manifest, listed: Manifest['files'][number]): Promise<void> {
  const { directory } = series
  const { name: file, role, size, sha256 } = listed
  const place = { export: manifest.number, file }
  series.unlisted.delete(file)
  if (role === 'document') series.documents += 1
  const chain =
    role === 'chain'
      ? verifyChainFile(manifest, {
          walkOf: (part) => walkOf(series, part),
          mayAnchor: !series.seenInterval,
          report(finding) {
            series.tree = undefined
            broken(series, { ...place, ...finding, message: `${file}: ${finding.message}` })
          },
          onLine(line) {
            series.tree &&= addLeaf(series.tree, leafHash(treeLeaf(line)))
          },
        })
      : undefined
  const read = await readHashed(directory, file, chain?.take)
  chain?.end(read.outcome === 'read')
  if (chain && read.outcome !== 'read') series.tree = undefined
  if (read.outcome === 'missing')
    return broken(series, { what: 'file-missing', ...place, message: `${file} is missing` })
  if (read.outcome === 'unreadable') {
    if (role === 'chain') series.blind = true
    return cannotRead(series, { ...place, message: `${file}: ${read.reason}` })
  }
  if (read.size !== size) {
    broken(series, {
      what: 'file-size',
      ...place,
      message: `${file} has ${read.size} bytes, it was sealed with ${size}`,
    })
  } else if (read.sha256 !== sha256) {
    broken(series, { what: 'file-altered', ...place, message: `${file} was altered: its SHA-256 is ${read.sha256}` })
  }
}

function walkOf(series: Series, part: Parameters<typeof nameOfSource>[0]): SourceWalk {
  const name = nameOfSource(part)
  const walk = series.walks.get(name) ?? startWalk(part)
  series.walks.set(name, walk)
  return walk
}

/** A source that was alive and has recorded something must be listed until it has ended, even while silent. */
function verifyRollOfSources(series: Series, manifest: Manifest, place: { export: number; file: string }): void {
  if (manifest.kind !== 'interval') return
  for (const part of manifest.sources)
    walkOf(series, part).aliveIn = part.state === 'alive' && part.last > 0 ? manifest.number : undefined
  for (const walk of series.walks.values()) {
    if (walk.aliveIn === undefined || walk.aliveIn === manifest.number) continue
    const source = nameOfSource(walk)
    const message = `${place.file} does not list ${source}, which was alive in export ${walk.aliveIn}`
    walk.aliveIn = undefined
    incomplete(series, { what: 'source-missing', ...place, source, message })
  }
}

/** Files that only an export can have left and that no manifest mentions. */
function reportUnlisted(series: Series): void {
  const manifests = new Set(series.directory.files)
  const orphans = new Map<string, number>()
  for (const file of series.unlisted) {
    const stem = stemOfExportFile(file)!
    if (series.unreliable.has(stem)) continue
    if (manifests.has(`${stem}${MANIFEST_SUFFIX}`))
      broken(series, { what: 'file-unlisted', file, message: `${file} is not listed by its manifest` })
    else orphans.set(stem, (orphans.get(stem) ?? 0) + 1)
  }
  for (const [stem, files] of orphans) {
    const file = `${stem}${MANIFEST_SUFFIX}`
    const message = `${file} is missing, and ${files} of its files are there (if this export is being written just now, verify again when it is sealed)`
    broken(series, { what: 'manifest-missing', file, message })
  }
}

function reportOf(series: Series): SeriesReport {
  const { directory, identity, first, previous } = series
  for (const walk of series.walks.values()) {
    if (walk.anchor === 0) continue
    const name = nameOfSource(walk)
    series.because.push(`the chain of ${name} is taken up after its number ${walk.anchor}`)
  }
  return {
    series: directory.name,
    pool: identity?.pool ?? null,
    adapter: identity?.adapter ?? null,
    exports: series.exports,
    firstExport: first?.number ?? null,
    lastExport: previous?.manifest.number ?? null,
    from: series.firstStart ?? null,
    to: series.lastEnd ?? null,
    documents: series.documents,
    events: series.events,
    newestManifest: previous ? { file: previous.file, sha256: previous.sha256 } : null,
    trust: { from: series.because.length === 0 ? 'beginning' : 'anchor', because: series.because },
    outstanding: [...series.walks.values()].flatMap(outstandingOf),
    incomplete: series.incomplete,
    changes: series.changes,
    approvedByOne: series.approvedByOne,
    pagesNotCompared: series.pagesNotCompared,
    texts: series.texts ?? null,
    findings: series.findings,
    unreadable: series.unreadable,
  }
}
