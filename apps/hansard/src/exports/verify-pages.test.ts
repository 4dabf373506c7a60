import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { IncompletePage } from '@hansard/evidence'
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

const withPages = (pages: IncompletePage[] | undefined) =>
  forge(join(directory, sealed.manifest), (manifest) => {
    manifest.pages = pages
  })
const page = (): IncompletePage => ({
  file: sealed.documents[0]!,
  shown: { chat: 2 },
  leftOut: [{ kind: 'chat', reason: 'changed', events: 1 }],
  problems: ['depends-on-texts'],
})

it('an export whose pages show everything is good, and an older one says that nobody has compared', async () => {
  expect(describeReport(await verifyWithBoth(directory))).toContain('not compared with what they count in 1 export')
  await withPages([])
  const report = await verifyWithBoth(directory)
  expect(report).toMatchObject({ outcome: 'good', exitCode: 0 })
  expect(describeReport(report)).not.toContain('not compared')
})

it('an export that does not show everything it counts is not good, and both verifiers say what is missing', async () => {
  await withPages([page()])
  const report = await verifyWithBoth(directory)
  expect(report).toMatchObject({ outcome: 'incomplete', exitCode: 1, findings: [] })
  const said = `SEALED AS INCOMPLETE: export 1: ${page().file} does not show 1 chat (changed); depends-on-texts`
  expect(describeReport(report)).toContain(said)
  const run = () => execFileSync('python3', [PYTHON, directory], { encoding: 'utf8', stdio: 'pipe' })
  expect(run).toThrow(expect.objectContaining({ status: 1, stdout: expect.stringContaining(said) }))
})

it.each<[string, (page: IncompletePage) => IncompletePage[], string]>([
  ['tells of too few events', (one) => [{ ...one, shown: { chat: 1 } }], 'its pages tell of 2 events in'],
  [
    'tells of another kind',
    (one) => [{ ...one, shown: { join: 2 } }],
    'its pages tell of 2 events of kind join, 0 are to be shown',
  ],
  [
    'names a document that is not listed',
    (one) => [{ ...one, file: 'x.xml' }],
    'its pages name x.xml, which is not listed there',
  ],
  ['names a document twice', (one) => [one, one], 'which is not listed there'],
  [
    'names a document that shows everything',
    (one) => [{ ...one, shown: { chat: 3 }, leftOut: [], problems: [] }],
    'which shows everything',
  ],
])('a manifest that %s contradicts itself', async (_, pages, message) => {
  await withPages(pages(page()))
  const report = await verifyWithBoth(directory)
  expect(report).toMatchObject({ outcome: 'broken', exitCode: 1 })
  expect(report.findings.map(({ what }) => what)).toContain('manifest-contradiction')
  expect(report.findings.map((finding) => finding.message).join()).toContain(message)
})
