import { access, constants, readFile } from 'node:fs/promises'
import { KeyProblem, parseVerifierKey, type VerifierKey } from '@hansard/signing'
import { misused, unreachable } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { timeStampChecker } from './check-time-stamp.ts'
import { describeReport, verifyDirectory } from './verify.ts'

export type VerifyCommandOptions = {
  readonly json: boolean
  readonly key?: string
  readonly expect?: string
  readonly from?: number
  readonly since?: string
  readonly until?: string
  readonly anchors?: string
  readonly tsaCa?: string
}

/** Checks exports without a pool: 0 good, 1 broken and what, 2 cannot be read. */
export async function verifyCommand(io: Io, directory: string, options: VerifyCommandOptions): Promise<ExitCode> {
  const { expect, from, anchors, tsaCa } = options
  if (expect !== undefined && !/^[0-9a-f]{64}$/.test(expect))
    throw misused(`--expect ${expect} is not a SHA-256.`, 'It has 64 lower-case hexadecimal digits.')
  const key = options.key === undefined ? undefined : await readKey(options.key)
  const since = instantOf('--since', options.since)
  const until = instantOf('--until', options.until)
  if (tsaCa !== undefined)
    await access(tsaCa, constants.R_OK).catch((error: Error) => {
      throw unreachable(`${tsaCa}: ${error.message}`, 'Name the file of the authority’s CA certificates, in PEM.')
    })
  const checkTimeStamp = tsaCa === undefined ? undefined : timeStampChecker(tsaCa)
  const report = await verifyDirectory(directory, { key, expect, from, since, until, anchors, checkTimeStamp })
  // Without anything to report on, verifying fails like any other command. Programs still get the report.
  const nothing = report.series.length === 0 && report.findings.length === 0 ? report.unreadable[0] : undefined
  if (nothing && !options.json)
    throw unreachable(`${directory}: ${nothing.message}`, 'Name a folder of exports, such as DIR/exports.')
  answer(io, options.json, report, () => describeReport(report))
  return report.exitCode
}

/** A key, or the file of one. */
async function readKey(given: string): Promise<VerifierKey> {
  let text = given
  if (!given.includes('+')) {
    try {
      text = (await readFile(given, 'utf8')).replace(/\r?\n$/, '')
    } catch (error) {
      throw unreachable(`${given}: ${(error as Error).message}`, 'Name a key, NAME+HASH+BASE64, or the file of one.')
    }
  }
  try {
    return parseVerifierKey(text)
  } catch (error) {
    if (error instanceof KeyProblem) throw misused(`--key ${given} ${error.message}`, 'Copy it from pool/keys/….pub.')
    throw error
  }
}

/** A day, which begins at midnight UTC, or a time in UTC. */
function instantOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const [, day, time = 'T00:00:00Z'] = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d:\d\d(?:\.\d{3})?Z)?$/.exec(text) ?? []
  const at = Date.parse(`${day}${time}`)
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(at) || !new Date(at).toISOString().startsWith(day!))
    throw misused(`${option} ${text} is not a time.`, 'Write it as 2026-11-20 or 2026-11-20T23:15:00Z.')
  return at
}
