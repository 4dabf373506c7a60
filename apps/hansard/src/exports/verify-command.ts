import { readFile } from 'node:fs/promises'
import { KeyProblem, parseVerifierKey, type VerifierKey } from '@hansard/signing'
import { misused, unreachable } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { describeReport, verifyDirectory } from './verify.ts'

/** Checks exports without a pool: 0 good, 1 broken and what, 2 cannot be read. */
export async function verifyCommand(
  io: Io,
  directory: string,
  options: { json: boolean; key?: string; expect?: string; from?: number },
): Promise<ExitCode> {
  const { expect, from } = options
  if (expect !== undefined && !/^[0-9a-f]{64}$/.test(expect))
    throw misused(`--expect ${expect} is not a SHA-256.`, 'It has 64 lower-case hexadecimal digits.')
  const key = options.key === undefined ? undefined : await readKey(options.key)
  const report = await verifyDirectory(directory, { key, expect, from })
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
