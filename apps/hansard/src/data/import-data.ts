import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { DATA_IMPORT_PATH, ImportLine } from '@hansard/admin-contract'
import { DataFileError, type DataReport, openDataFile } from '@hansard/pool-data'
import { openAdmin } from '../cli/admin-client.ts'
import { CommandFailure, refused, unreachable } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { startWaiting } from '../cli/progress.ts'
import type { PoolOptions } from '../cli/verb.ts'
import { told, writeReport } from './export-data.ts'

type Options = PoolOptions & { readonly dryRun: boolean; readonly report?: string }

/**
 * Brings a data file into a pool, or says what that would do. Exit code 1 when anything in it could not be brought in.
 * An import that breaks off goes on where it stopped when the same file is imported again.
 */
export async function importDataCommand(io: Io, path: string, options: Options): Promise<ExitCode> {
  await checkHere(path)
  const admin = await openAdmin(io, options)
  const query = new URLSearchParams({ dryRun: String(options.dryRun), name: basename(path).slice(0, 255) })
  const waiting = startWaiting(io, { what: options.dryRun ? 'trying' : 'importing', json: options.json })
  let report: DataReport | undefined
  try {
    const response = await admin.stream(DATA_IMPORT_PATH, {
      method: 'POST',
      query,
      headers: { 'content-type': 'application/zip' },
      body: Readable.toWeb(createReadStream(path)) as never,
      signal: io.stop,
      duplex: 'half',
    } as RequestInit & { query: URLSearchParams })
    for await (const line of linesOf(response.body as ReadableStream<Uint8Array>)) {
      const said = ImportLine.parse(JSON.parse(line))
      if ('problem' in said) throw refused(said.problem.message, said.problem.hint)
      if ('report' in said) report = said.report as DataReport
      else waiting.update(said.lines, said.at)
    }
  } catch (error) {
    if (error instanceof CommandFailure || report !== undefined) throw error
    throw brokenOff(error)
  } finally {
    waiting.end()
  }
  if (!report) throw brokenOff()
  const final = report
  if (options.report !== undefined) await writeReport(options.report, final)
  answer(io, options.json, { file: path, report: final }, () => told(final))
  return final.problems.length + final.problemsMore === 0 ? 0 : 1
}

function brokenOff(cause?: unknown): CommandFailure {
  const hint = 'Import the same file again: it goes on where it stopped.'
  return unreachable('The import broke off before its end.', hint, cause)
}

/** What is no data file need not be sent anywhere. */
async function checkHere(path: string): Promise<void> {
  try {
    const file = await openDataFile(path)
    file.close()
  } catch (error) {
    if (error instanceof DataFileError) throw unreachable(`${path}: ${error.message}`, undefined, error)
    throw error
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let waiting = ''
  for await (const piece of body) {
    waiting += decoder.decode(piece, { stream: true })
    const lines = waiting.split('\n')
    waiting = lines.pop() ?? ''
    yield* lines
  }
}
