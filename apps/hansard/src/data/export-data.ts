import { createWriteStream } from 'node:fs'
import { access, rename, rm, writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { DATA_EXPORT_PATH } from '@hansard/admin-contract'
import { type DataReport, openDataFile, reportHtml, reportJson } from '@hansard/pool-data'
import { openAdmin } from '../cli/admin-client.ts'
import { misused, unreachable } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { startWaiting } from '../cli/progress.ts'
import { table, visible } from '../cli/table.ts'
import type { PoolOptions } from '../cli/verb.ts'

export type ExportDataOptions = PoolOptions & {
  readonly level: string
  readonly scope: readonly string[]
  /** milliseconds since 1970 UTC */
  readonly start?: number
  readonly disableExportedRooms: boolean
  readonly files: boolean
  readonly report?: string
}

/**
 * Takes what a pool knows into a zip of its own. The zip is put in place only when it is whole and has been read again
 * to its end: what stands under that name can be imported.
 */
export async function exportDataCommand(io: Io, path: string, options: ExportDataOptions): Promise<ExitCode> {
  const query = new URLSearchParams({ level: options.level })
  for (const category of options.scope) query.append('scope', category)
  if (options.start !== undefined) query.set('start', new Date(options.start).toISOString())
  if (options.disableExportedRooms) query.set('disableRooms', 'true')
  if (options.files) query.set('files', 'true')
  if (await exists(path)) throw misused(`${path} is there already.`, 'Name a file that is not.')

  const admin = await openAdmin(io, options)
  const part = `${path}.part`
  const waiting = startWaiting(io, { what: 'exporting', json: options.json })
  try {
    const method = options.disableExportedRooms ? 'POST' : 'GET'
    const { body } = await admin.stream(DATA_EXPORT_PATH, { method, query, signal: io.stop })
    let bytes = 0
    async function* counted(content: AsyncIterable<Uint8Array>) {
      for await (const piece of content) {
        bytes += piece.byteLength
        waiting.update(bytes, `${Math.round(bytes / 1_024).toLocaleString('en-US')} KB`)
        yield piece
      }
    }
    // Readable by the exporting user only: it holds the chats of every room.
    await pipeline(
      Readable.fromWeb(body as ReadableStream),
      counted,
      createWriteStream(part, { mode: 0o600, flush: true }),
    ).catch((error: unknown) => {
      throw unreachable(
        'The export broke off before its end.',
        'The log of the pool says why. Nothing was kept.',
        error,
      )
    })
    const file = await openDataFile(part)
    const report = await file
      .check()
      .then(() => file.report())
      .finally(() => file.close())
    await rename(part, path)
    if (options.report !== undefined) await writeReport(options.report, report.json)
    answer(io, options.json, { file: path, report: report.json }, () => told(report.json))
    return report.json.problems.length === 0 ? 0 : 1
  } finally {
    waiting.end()
    await rm(part, { force: true })
  }
}

/** The page, or JSON where the name asks for it. */
export async function writeReport(path: string, report: DataReport): Promise<void> {
  await writeFile(path, path.endsWith('.json') ? reportJson(report) : reportHtml(report), { mode: 0o600 })
}

/** A report for a terminal. */
export function told(report: DataReport): string {
  const outcomes = ['exported', 'made', 'changed', 'removed', 'same', 'left'] as const
  const kinds = Object.entries(report.counts)
  const columns = outcomes.filter((outcome) => kinds.some(([, tally]) => tally[outcome] !== undefined))
  const counts = table(
    ['', ...columns.map((column) => column.toUpperCase())],
    kinds.map(([kind, tally]) => [kind, ...columns.map((column) => tally[column] ?? 0)]),
  )
  const leftOut = report.leftOut.map((line) => `- ${visible(line)}\n`).join('')
  const problems = report.problems.map(
    ({ entry, line, subject, problem }) =>
      `! ${visible(`${entry}${line === null ? '' : `, line ${line}`}: ${subject}: ${problem}`)}\n`,
  )
  const more = report.problemsMore === 0 ? '' : `! and ${report.problemsMore} more\n`
  return [counts, leftOut, problems.join('') + more].filter((part) => part !== '').join('\n')
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
