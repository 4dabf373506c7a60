import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type EvidenceDirectory,
  FileMissing,
  type Finding,
  MANIFEST_SUFFIX,
  nameOfSource,
  type SeriesReport,
  stemOfExportFile,
  type Unreadable,
  verifySeries,
} from '@hansard/evidence'
import type { ExitCode } from '../cli/io.ts'
import { counted, visible } from '../cli/table.ts'

/**
 * `exitCode`: 0 good; 1 broken, and `findings` say what, or an export is
 * sealed as incomplete; 2 something, or everything, could not be read.
 */
export type VerifyReport = {
  readonly directory: string
  readonly outcome: 'good' | 'broken' | 'incomplete' | 'unreadable'
  readonly exitCode: ExitCode
  readonly series: readonly Omit<SeriesReport, 'findings' | 'unreadable'>[]
  readonly findings: readonly Finding[]
  readonly unreadable: readonly Unreadable[]
}

/**
 * Verifies every series of exports in a directory and below it. Needs no pool, no database and no network.
 *
 * Where there is nothing to verify the answer is not "good": an empty directory is what is left when everything was
 * taken away.
 */
export async function verifyDirectory(directory: string): Promise<VerifyReport> {
  const reports: SeriesReport[] = []
  const unreadable: Unreadable[] = []
  for await (const found of seriesBelow(directory, '.')) {
    if ('message' in found) unreadable.push(found)
    else reports.push(await verifySeries(found))
  }
  const findings = reports.flatMap((report) => report.findings)
  unreadable.push(...reports.flatMap((report) => report.unreadable))
  if (reports.length === 0 && unreadable.length === 0)
    unreadable.push({ series: '.', message: 'there is no export here, so there is nothing to verify' })
  const outcome = outcomeOf({ findings, unreadable, reports })
  return {
    directory,
    outcome,
    exitCode: EXIT_CODES[outcome],
    series: reports.map(({ findings: _, unreadable: __, ...report }) => report),
    findings,
    unreadable,
  }
}

const EXIT_CODES = { good: 0, broken: 1, incomplete: 1, unreadable: 2 } as const

function outcomeOf(found: {
  findings: readonly Finding[]
  unreadable: readonly Unreadable[]
  reports: readonly SeriesReport[]
}): VerifyReport['outcome'] {
  if (found.findings.length > 0) return 'broken'
  if (found.unreadable.length > 0) return 'unreadable'
  return found.reports.some(({ incomplete }) => incomplete.length > 0) ? 'incomplete' : 'good'
}

/** Directories that hold exports, or files that only exports leave. Links to directories are not followed. */
async function* seriesBelow(root: string, name: string): AsyncGenerator<EvidenceDirectory | Unreadable> {
  const path = join(root, name)
  let entries: { name: string; isDirectory(): boolean }[]
  try {
    entries = await readdir(path, { withFileTypes: true })
  } catch (error) {
    yield { series: name, message: `the directory cannot be read: ${(error as Error).message}` }
    return
  }
  const files = entries.map((entry) => entry.name)
  if (files.some((file) => file.endsWith(MANIFEST_SUFFIX) || stemOfExportFile(file) !== undefined))
    yield { name, files, read: (file) => readRegularFile(join(path, file)) }
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    if (entry.isDirectory()) yield* seriesBelow(root, name === '.' ? entry.name : `${name}/${entry.name}`)
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
  const lines = report.series.flatMap(describeSeries)
  for (const { what, message, series } of report.findings)
    lines.push(`${what === 'fork' ? 'FORK  ' : 'BROKEN'}      ${series}: ${message}`)
  for (const { message, series } of report.unreadable) lines.push(`UNREADABLE  ${series}: ${message}`)
  if (report.outcome === 'good') lines.push('Good: every file is as it was sealed, and every number is accounted for.')
  if (report.outcome === 'incomplete')
    lines.push('Every file is as it was sealed, and every number is accounted for; not every event can be read.')
  if (report.series.some(({ exports }) => exports > 0)) lines.push(...NOT_SIGNED)
  return lines.map((line) => `${visible(line)}\n`).join('')
}

const NOT_SIGNED = [
  'Nothing here is signed: someone who can rewrite all of these files can also make them agree. Compare the SHA-256 of',
  'the newest manifest with one that was noted elsewhere; it vouches for everything before it.',
]

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
    ...(series.pagesNotCompared > 0
      ? [`  pages     not compared with what they count in ${counted(series.pagesNotCompared, 'export')}`]
      : []),
    ...series.incomplete.map(({ export: number, message }) => `  SEALED AS INCOMPLETE: export ${number}: ${message}`),
    ...series.outstanding.map(
      ({ source, epoch, incarnation, seq, export: number, altered }) =>
        `  NOT YET IN ANY DOCUMENT: ${nameOfSource({ source, epoch, incarnation })}/${seq}, in quarantine since export ${number}${altered ? '; its text is not the one that was accepted' : ''}`,
    ),
  ]
}
