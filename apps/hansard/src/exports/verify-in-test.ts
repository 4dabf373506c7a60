import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatVerifierKey } from '@hansard/signing'
import { expect } from 'vitest'
import { timeStampChecker } from './check-time-stamp.ts'
import { exportSeries, forge, type SealedExport } from './exports-in-test.ts'
import { type VerifyOptions, type VerifyReport, verifyDirectory } from './verify.ts'

const PYTHON = fileURLToPath(new URL('../../../../docs/verify.py', import.meta.url))

/** Two sources, one of them stopped and begun again; silence; quarantine, settled and not; late events. */
export async function soundSeries(directory: string): Promise<SealedExport[]> {
  const series = await exportSeries(directory)
  await series.interval({ 'chat-1/1': { through: 6 }, 'chat 2 é/1': { through: 3 } }, { omitted: 2 })
  await series.interval({ 'chat-1/1': { through: 12, quarantined: [8, 9] }, 'chat 2 é/1': { through: 3 } })
  await series.interval({ 'chat-1/1': { through: 12 }, 'chat 2 é/1': { through: 5, state: 'stopped' } })
  await series.addendum({ 'chat-1/1': [8], 'chat-3/1': [1, 2, 3] }, { of: 2, next: false })
  series.startsAfter('chat-3/1', 3)
  await series.interval({ 'chat-1/1': { through: 15 }, 'chat 2 é/2': { through: 4 }, 'chat-3/1': { through: 5 } })
  await series.interval({ 'chat-1/1': { through: 15 }, 'chat 2 é/2': { through: 4 }, 'chat-3/1': { through: 5 } })
  return series.sealed
}
/** `tsaCa`: the CA certificates of a time-stamp authority, in a file. */
type VerifyOptionsInTest = VerifyOptions & { readonly tsaCa?: string }

async function verifyWithPython(directory: string, options: VerifyOptionsInTest): Promise<VerifyReport> {
  const { key, expect: expected, from, since, until, anchors, tsaCa } = options
  const iso = (ms: number) => new Date(ms).toISOString()
  const args = [
    ...(key ? ['--key', formatVerifierKey(key)] : []),
    ...(expected === undefined ? [] : ['--expect', expected]),
    ...(from === undefined ? [] : ['--from', String(from)]),
    ...(since === undefined ? [] : ['--since', iso(since)]),
    ...(until === undefined ? [] : ['--until', iso(until)]),
    ...(anchors === undefined ? [] : ['--anchors', anchors]),
    ...(tsaCa === undefined ? [] : ['--tsa-ca', tsaCa]),
  ]
  const [code, stdout, stderr] = await new Promise<[number, string, string]>((resolve) => {
    execFile('python3', [PYTHON, '--json', ...args, directory], { maxBuffer: 1 << 28 }, (error, stdout, stderr) =>
      resolve([typeof error?.code === 'number' ? error.code : 0, stdout, stderr]),
    )
  })
  expect(stderr).toBe('')
  const report = JSON.parse(stdout) as VerifyReport
  expect(report.exitCode).toBe(code)
  return report
}

/** Both implementations, which must say the same in the same words, but for what the system says of its errors. */
export async function verifyWithBoth(directory: string, options: VerifyOptionsInTest = {}): Promise<VerifyReport> {
  const checkTimeStamp = options.tsaCa === undefined ? undefined : timeStampChecker(options.tsaCa)
  const ours = await verifyDirectory(directory, { ...options, checkTimeStamp })
  const theirs = await verifyWithPython(directory, options)
  const comparable = ({ findings, unreadable, ...report }: VerifyReport) => ({
    ...report,
    findings: findings
      .map((finding) =>
        JSON.stringify(
          finding,
          Object.keys(finding)
            .filter((key) => finding.what !== 'manifest-altered' || key !== 'message')
            .sort(),
        ),
      )
      .sort(),
    unreadable: unreadable.map(({ message: _, ...place }) => place),
  })
  expect(comparable(JSON.parse(JSON.stringify(ours)))).toEqual(comparable(theirs))
  return ours
}

export async function flipBit(path: string, bit?: number): Promise<void> {
  const bytes = await readFile(path)
  const at = bit ?? Math.floor(bytes.length / 2) * 8
  bytes[at >> 3]! ^= 1 << (at & 7)
  await writeFile(path, bytes)
}

export async function rewrite(path: string, change: (text: string) => string): Promise<void> {
  const text = await readFile(path, 'utf8')
  expect(change(text)).not.toBe(text)
  await writeFile(path, change(text))
}
/** Gives the manifest the size and hash its chain file has now. */
export async function reseal(directory: string, one: SealedExport, alsoChange: Parameters<typeof forge>[1] = () => {}) {
  const bytes = await readFile(join(directory, one.chain))
  await forge(join(directory, one.manifest), (manifest) => {
    const chain = manifest.files.find((file) => file.role === 'chain')!
    Object.assign(chain, { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })
    alsoChange(manifest)
  })
}
