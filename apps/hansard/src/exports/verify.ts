import { createHash } from 'node:crypto'
import { open, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  type CheckTimeStamp,
  compareWithRecord,
  describeNotRunning,
  describeSettingChange,
  type EvidenceDirectory,
  FileMissing,
  type Finding,
  findingLabel,
  MANIFEST_SUFFIX,
  nameOfSource,
  type PoolReport,
  type SeenExport,
  type SeriesInPool,
  type SeriesReport,
  stemOfExportFile,
  stemOfPoolManifest,
  type Unreadable,
  verifyPool,
  verifySeries,
} from '@hansard/evidence'
import type { VerifierKey } from '@hansard/signing'
import type { ExitCode } from '../cli/io.ts'
import { counted, visible } from '../cli/table.ts'
import { describeExceptions, describeGap, missingOf } from './describe-gaps.ts'

/**
 * `exitCode`: 0 good; 1 broken, and `findings` say what, or an export is
 * sealed as incomplete; 2 something, or everything, could not be read; 3 complete except numbers that two people
 * accepted as missing.
 */
export type VerifyReport = {
  readonly directory: string
  readonly outcome: 'good' | 'broken' | 'incomplete' | 'unreadable' | 'excepted'
  readonly exitCode: ExitCode
  /** `unsigned`: there is no pool manifest here */
  readonly trust: 'pinned' | 'embedded' | 'unsigned'
  readonly pools: readonly Omit<PoolReport, 'findings' | 'unreadable'>[]
  readonly series: readonly (Omit<SeriesReport, 'findings' | 'unreadable'> & {
    /**
     * how many of its exports have the same events as the record series, by their hashes, and how many intervals are
     * not in it; null for the record series itself, and if none is here
     */
    readonly record: { readonly compared: number; readonly notInRecord: number } | null
  })[]
  readonly findings: readonly Finding[]
  readonly unreadable: readonly Unreadable[]
}

/**
 * Verifies every series of exports in a directory and below it. Needs no pool, no database and no network.
 *
 * Where there is nothing to verify the answer is not "good": an empty directory is what is left when everything was
 * taken away.
 */
export async function verifyDirectory(directory: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { key, expect, from = 1, since, anchors: anchorPath, checkTimeStamp } = options
  const series: SeriesInPool[] = []
  const directories: FoundDirectory[] = []
  const unreadable: Unreadable[] = []
  const known = new Set<string>()
  for await (const found of directoriesBelow(directory, '.')) {
    if ('message' in found) unreadable.push(found)
    else if (found.files.some((file) => stemOfPoolManifest(file) !== undefined)) directories.push(found)
    if (!('message' in found) && found.files.some(isOfSeries)) {
      const exports: SeenExport[] = []
      const report = await verifySeries(found, (seen) => exports.push(seen))
      for (const { sha256 } of exports) known.add(sha256)
      series.push({ report, exports })
    }
  }
  const pools: PoolReport[] = []
  const anchors = anchorPath === undefined ? undefined : await anchorFiles(anchorPath, unreadable)
  for (const found of directories) {
    const above = found.name === '.' ? undefined : dirname(found.name)
    if (above === undefined) {
      unreadable.push({ series: '.', message: 'this is the directory of the pool manifests: verify the one above it' })
      continue
    }
    const isBelow = ({ report }: SeriesInPool) => above === '.' || report.series.startsWith(`${above}/`)
    const keys = await keysOf(directory, found)
    const given = { pinned: key, from, since, anchors, checkTimeStamp }
    pools.push(await verifyPool(found, { ...given, series: series.filter(isBelow), keys }))
    if (expect !== undefined) await addHashes(found, known)
  }
  const reports = [...series.map(({ report }) => report), ...pools]
  const record = compareWithRecord(series)
  const findings = [...reports.flatMap((report) => report.findings), ...record.findings]
  unreadable.push(...reports.flatMap((report) => report.unreadable))
  if (reports.length === 0 && unreadable.length === 0)
    unreadable.push({ series: '.', message: 'there is no export here, so there is nothing to verify' })
  if (key && pools.length === 0 && series.length > 0)
    findings.push({ series: '.', what: 'pool-signature', message: 'no pool manifest is here, so nothing is signed' })
  if (anchors && pools.length === 0)
    findings.push({ series: '.', what: 'end-cut', message: 'no pool manifest is here, and the anchor has some' })
  findings.push(...uncovered({ pools, series: series.map(({ report }) => report) }, options))
  if (expect !== undefined && !known.has(expect))
    findings.push({
      series: '.',
      what: 'end-missing',
      message: `no manifest or checkpoint here has the SHA-256 ${expect}`,
    })
  const outcome = outcomeOf({ findings, unreadable, reports: series.map(({ report }) => report) })
  return {
    directory,
    outcome,
    exitCode: EXIT_CODES[outcome],
    trust: pools.length === 0 ? 'unsigned' : key ? 'pinned' : 'embedded',
    pools: pools.map(({ findings: _, unreadable: __, ...report }) => report),
    series: series.map(({ report: { findings: _, unreadable: __, ...report } }) => ({
      ...report,
      record: record.series.get(report.series) ?? null,
    })),
    findings,
    unreadable,
  }
}

const EXIT_CODES = { good: 0, broken: 1, incomplete: 1, unreadable: 2, excepted: 3 } as const

function outcomeOf(found: {
  findings: readonly Finding[]
  unreadable: readonly Unreadable[]
  reports: readonly SeriesReport[]
}): VerifyReport['outcome'] {
  if (found.findings.length > 0) return 'broken'
  if (found.unreadable.length > 0) return 'unreadable'
  if (found.reports.some(({ incomplete }) => incomplete.length > 0)) return 'incomplete'
  return found.reports.some(({ acceptedGaps }) => acceptedGaps.some((gap) => missingOf(gap) > 0)) ? 'excepted' : 'good'
}

export type VerifyOptions = {
  /** the key to trust; without it the one that came with the exports is believed */
  readonly key?: VerifierKey | undefined
  /** the SHA-256 of a manifest or checkpoint that must be here */
  readonly expect?: string | undefined
  /** the first pool manifest that must be here */
  readonly from?: number | undefined
  /** the time that must be covered, in milliseconds since 1970; what came before it may be absent */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** the directory with what an anchor has kept */
  readonly anchors?: string | undefined
  /** undefined: time stamps are only counted */
  readonly checkTimeStamp?: CheckTimeStamp | undefined
}

/** What of the time that was asked for is not here. Where pool manifests are, they say how far all series go. */
function uncovered(
  { pools, series }: { pools: readonly PoolReport[]; series: readonly SeriesReport[] },
  { since, until }: VerifyOptions,
): Finding[] {
  const iso = (ms: number) => new Date(ms).toISOString()
  const findings: Finding[] = []
  const compare = (name: string, to: string | null) => {
    if (until === undefined || (to !== null && Date.parse(to) >= until)) return
    const message = `what is here ends at ${to ?? 'no time'}, before ${iso(until)}`
    findings.push({ series: name, what: 'range-missing', message })
  }
  if (pools.length > 0) for (const { directory, to } of pools) compare(directory, to)
  else
    for (const { series: name, firstExport, from, to } of series) {
      compare(name, to)
      // Before export 1 there was nothing.
      if (since === undefined || firstExport === 1 || (from !== null && Date.parse(from) <= since)) continue
      const message = `what is here begins at ${from ?? 'no time'}, after ${iso(since)}`
      findings.push({ series: name, what: 'range-missing', message })
    }
  return findings
}

/** What an anchor has kept. Without a file in it there is nothing to compare with, which is not good. */
async function anchorFiles(path: string, unreadable: Unreadable[]): Promise<EvidenceDirectory | undefined> {
  try {
    const files = await readdir(path)
    return { name: 'anchors', files, read: (file) => readRegularFile(join(path, file)) }
  } catch (error) {
    unreadable.push({ series: 'anchors', message: `the directory cannot be read: ${(error as Error).message}` })
    return undefined
  }
}

const isOfSeries = (file: string) => file.endsWith(MANIFEST_SUFFIX) || stemOfExportFile(file) !== undefined

/** The SHA-256 of pool manifests, checkpoints and notes. */
async function addHashes(found: FoundDirectory, known: Set<string>): Promise<void> {
  for (const file of found.files.filter((name) => /^pool-.*\.(json|note|checkpoint)$/.test(name))) {
    const sha256 = createHash('sha256')
    try {
      for await (const bytes of found.read(file)) sha256.update(bytes)
      known.add(sha256.digest('hex'))
    } catch {
      // It is reported as unreadable already.
    }
  }
}

async function keysOf(root: string, { name }: FoundDirectory): Promise<EvidenceDirectory | undefined> {
  const path = join(root, name, 'keys')
  const files = await readdir(path).catch(() => undefined)
  return files && { name: `${name}/keys`, files, read: (file) => readRegularFile(join(path, file)) }
}

type FoundDirectory = EvidenceDirectory

/** All directories. Links to directories are not followed. */
async function* directoriesBelow(root: string, name: string): AsyncGenerator<EvidenceDirectory | Unreadable> {
  const path = join(root, name)
  let entries: { name: string; isDirectory(): boolean }[]
  try {
    entries = await readdir(path, { withFileTypes: true })
  } catch (error) {
    yield { series: name, message: `the directory cannot be read: ${(error as Error).message}` }
    return
  }
  const files = entries.map((entry) => entry.name)
  yield { name, files, read: (file) => readRegularFile(join(path, file)) }
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    if (entry.isDirectory()) yield* directoriesBelow(root, name === '.' ? entry.name : `${name}/${entry.name}`)
}

async function* readRegularFile(path: string): AsyncGenerator<Uint8Array> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new FileMissing(path) : error
  })
  // Asked before it is opened: opening a pipe would wait for somebody to write.
  if (!found.isFile()) throw new Error('it is not a regular file')
  const file = await open(path)
  try {
    const buffer = Buffer.allocUnsafe(Math.min(found.size + 1, 1 << 20))
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

/** The report for people. Names come from files that anybody may have written, so they are made safe to show. */
export function describeReport(report: VerifyReport): string {
  const lines = [...report.series.flatMap(describeSeries), ...report.pools.flatMap(describePool)]
  for (const { what, message, series } of report.findings)
    lines.push(`${findingLabel(what).padEnd(12)}${series}: ${message}`)
  for (const { message, series } of report.unreadable) lines.push(`UNREADABLE  ${series}: ${message}`)
  if (report.outcome === 'good') lines.push('Good: every file is as it was sealed, and every number is accounted for.')
  if (report.outcome === 'excepted') lines.push(...describeExceptions(report))
  if (report.outcome === 'incomplete')
    lines.push('Every file is as it was sealed, and every number is accounted for; not every event can be read.')
  if (report.series.some(({ exports }) => exports > 0)) lines.push(...TRUST[report.trust])
  return lines.map((line) => `${visible(line)}\n`).join('')
}

const TRUST = {
  pinned: ['Trust: pinned key. All series are those that the holder of the key you named has signed.'],
  embedded: [
    'Trust: embedded key, internally consistent only. Someone who can rewrite all of these files can also sign them with',
    'a key of his own. Compare the key above with the one that you were given, or name that one with --key.',
  ],
  unsigned: [
    'Trust: unsigned. Someone who can rewrite all of these files can also make them agree. Compare the SHA-256 of the',
    'newest manifest with one that was noted elsewhere; it vouches for everything before it.',
  ],
} as const

function describePool(pool: VerifyReport['pools'][number]): string[] {
  if (!pool.newestManifest || !pool.checkpoint) return []
  return [
    `${pool.directory}: ${pool.pool}, all series`,
    `  signed    intervals ${pool.first} to ${pool.last}, ${pool.from} to ${pool.to}`,
    `  key       ${pool.key}`,
    `  tree      ${counted(pool.checkpoint.size, 'line')}, root ${pool.checkpoint.root}`,
    pool.treeOf.length > 0
      ? `            computed again from ${pool.treeOf.join(', ')}`
      : '            not computed again: no series here begins with the first interval',
    `  newest    ${pool.newestManifest.file}`,
    `            SHA-256 ${pool.newestManifest.sha256}`,
    ...(pool.anchors
      ? [
          `  anchored  ${counted(pool.anchors.files, 'file')}, ${pool.anchors.newest === null ? 'none of what is here' : `up to ${pool.anchors.newest}`}`,
        ]
      : []),
    ...describeTimeStamps(pool.timeStamps),
    ...(pool.unsignedExports > 0
      ? [`  NOT SIGNED YET: ${counted(pool.unsignedExports, 'export')} after the newest pool manifest`]
      : []),
  ]
}

function describeRecord({ compared, notInRecord }: { compared: number; notInRecord: number }): string {
  const same = `the same events as the record series in ${counted(compared, 'export')}`
  return notInRecord === 0 ? same : `${same}; ${counted(notInRecord, 'export')} not in the record series`
}

function describeTimeStamps({ present, verified, newest, lagMsMax }: PoolReport['timeStamps']): string[] {
  if (present === 0) return []
  if (newest === null || lagMsMax === null) return [`  stamped   ${counted(present, 'time stamp')}, not checked`]
  const late = `each within ${Math.max(0, Math.ceil(lagMsMax / 1_000))} s of the end of its interval`
  return [`  stamped   ${verified} of ${counted(present, 'time stamp')} good, the newest at ${newest.at}; ${late}`]
}

function describeSeries(series: VerifyReport['series'][number]): string[] {
  if (series.exports === 0) return []
  return [
    `${series.series}: ${series.pool}, ${series.adapter}`,
    `  exports   ${series.firstExport} to ${series.lastExport}, ${series.from ?? 'addenda'} to ${series.to ?? 'only'}`,
    `  contents  ${counted(series.events, 'event')}, ${counted(series.documents, 'document')}`,
    ...(series.newestManifest
      ? [`  newest    ${series.newestManifest.file}`, `            SHA-256 ${series.newestManifest.sha256}`]
      : []),
    series.trust.from === 'beginning'
      ? '  trust     every source was followed from its first event'
      : `  trust     from where the series begins; what came before is not part of it (${series.trust.because.join('; ')})`,
    ...(series.texts === null
      ? []
      : [`  texts     ${counted(series.texts, 'text')}, each with the hash that its chain has`]),
    ...(series.record === null ? [] : [`  record    ${describeRecord(series.record)}`]),
    ...(series.pagesNotCompared > 0
      ? [`  pages     not compared with what they count in ${counted(series.pagesNotCompared, 'export')}`]
      : []),
    ...(series.approvedByOne > 0
      ? [`  approval  one person may change what is exported, or has, in ${counted(series.approvedByOne, 'export')}`]
      : []),
    ...series.changes.map((change) => `  changed   ${describeSettingChange(change)}`),
    ...series.notRunning.map((each) => `  ${describeNotRunning(each)}`),
    ...series.incomplete.map(({ export: number, message }) => `  SEALED AS INCOMPLETE: export ${number}: ${message}`),
    ...series.outstanding.map(
      ({ source, epoch, incarnation, seq, export: number, altered }) =>
        `  NOT YET IN ANY DOCUMENT: ${nameOfSource({ source, epoch, incarnation })}/${seq}, in quarantine since export ${number}${altered ? '; its text is not the one that was accepted' : ''}`,
    ),
    ...series.acceptedGaps.map(describeGap),
  ]
}
