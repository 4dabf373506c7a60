import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { NotRunning } from '@hansard/evidence'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { exportSeries, forge, type SealedExport } from './exports-in-test.ts'
import { describeReport } from './verify.ts'
import { verifyWithBoth } from './verify-in-test.ts'

const PYTHON = fileURLToPath(new URL('../../../../docs/verify.py', import.meta.url))

let directory: string
let sealed: SealedExport
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hansard-verify-'))
  const series = await exportSeries(directory)
  sealed = await series.interval({ 'chat-1/1': { through: 6 } })
})
afterEach(() => rm(directory, { recursive: true }))

const time = (second: number) => new Date(Date.UTC(2026, 10, 20, 0, 0, second)).toISOString()
const sign = (second: number) => ({ source: 'chat-1', epoch: 1, incarnation: '', at: time(second) })
const withTimes = (notRunning: NotRunning[]) =>
  forge(join(directory, sealed.manifest), (manifest) => {
    manifest.notRunning = notRunning
  })

it('says when nothing was running, and when each service had last been seen', async () => {
  await withTimes([{ from: time(20), to: time(50), lastSigns: [sign(19)] }])
  const report = await verifyWithBoth(directory)
  expect(report).toMatchObject({ outcome: 'good', exitCode: 0 })
  const said = `NOT RUNNING from ${time(20)} to ${time(50)}; last signs of life: chat-1/1 at ${time(19)}`
  expect(describeReport(report)).toContain(said)
  expect(execFileSync('python3', [PYTHON, directory], { encoding: 'utf8' })).toContain(said)
})

it.each<[string, NotRunning[], string]>([
  ['goes back', [{ from: time(20), to: time(20), lastSigns: [] }], 'out of its order'],
  ['leaves the interval', [{ from: time(20), to: time(61), lastSigns: [] }], 'out of its order'],
  [
    'overlaps',
    [
      { from: time(1), to: time(20), lastSigns: [] },
      { from: time(19), to: time(30), lastSigns: [] },
    ],
    'out of its order',
  ],
  ['has a later sign of life', [{ from: time(1), to: time(20), lastSigns: [sign(2)] }], 'chat-1/1 gave a sign of life'],
])('is not good when such a time %s', async (_, times, message) => {
  await withTimes(times)
  const report = await verifyWithBoth(directory)
  expect(report.findings).toEqual([
    expect.objectContaining({ what: 'manifest-contradiction', message: expect.stringContaining(message) }),
  ])
})

it.each<[string, unknown[]]>([
  ['there are none', []],
  ['one is no time', [{ from: 'yesterday', to: time(2), lastSigns: [] }]],
  ['one is of no calendar', [{ from: '2026-11-31T00:00:00.000Z', to: time(2), lastSigns: [] }]],
])('is altered when of its times %s', async (_, times) => {
  const path = join(directory, sealed.manifest)
  const { contentSha256: _hash, previousManifestSha256, ...members } = JSON.parse(await readFile(path, 'utf8'))
  const lines = JSON.stringify({ ...members, notRunning: times, previousManifestSha256, contentSha256: '' }, null, 2)
  const content = lines.slice(0, lines.lastIndexOf('  "contentSha256"'))
  await writeFile(path, `${content}  "contentSha256": "${hash('sha256', content, 'hex')}"\n}\n`)
  expect((await verifyWithBoth(directory)).findings).toMatchObject([{ what: 'manifest-altered' }])
})
