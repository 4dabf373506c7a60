import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Manifest } from '@hansard/evidence'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { exportSeries, forge } from './exports-in-test.ts'
import { describeReport } from './verify.ts'
import { rewrite, verifyWithBoth } from './verify-in-test.ts'

const PYTHON = fileURLToPath(new URL('../../../../docs/verify.py', import.meta.url))

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hansard-verify-'))
})
afterEach(() => rm(directory, { recursive: true }))

/** A series whose newest export was made differently. */
async function seriesWith(change: (manifest: Manifest) => void, formatOf?: () => Manifest['format']): Promise<string> {
  const series = await exportSeries(directory, formatOf ? { formatOf } : {})
  for (const through of [2, 4]) await series.interval({ 'chat-1/1': { through } })
  const { manifest } = await series.interval({ 'chat-1/1': { through: 6 } })
  const path = join(directory, manifest)
  await forge(path, change)
  return path
}

it('lists where adapter, stylesheet, engine, an option or the approval changed within a series', async () => {
  await seriesWith((manifest) => {
    manifest.adapter.engine = 'libxslt 2'
    manifest.adapter.stylesheetSha256 = 'a'.repeat(64)
    manifest.adapter.version = '2'
    manifest.options['addUserDetails'] = false
    manifest.options['more'] = 'é'
    manifest.approval = 'one-person'
  })

  const report = await verifyWithBoth(directory)

  const [series] = report.series
  expect(series?.changes.map((change) => [change.export, change.what, change.after])).toEqual([
    [3, 'version', '2'],
    [3, 'engine', 'libxslt 2'],
    [3, 'stylesheet', 'a'.repeat(64)],
    [3, 'addUserDetails', 'false'],
    [3, 'approval', 'one-person'],
    [3, 'more', '"é"'],
  ])
  expect(series?.approvedByOne).toBe(1)
  expect(report).toMatchObject({ outcome: 'good', exitCode: 0 })
  const python = execFileSync('python3', [PYTHON, directory], { encoding: 'utf8' })
  for (const said of [
    '  approval  one person may change what is exported, or has, in 1 export\n',
    '  changed   from export 3 on, engine is libxslt 2; before, it was libxslt 1.1.43\n',
    '  changed   from export 3 on, approval is one-person; before, it was two-people\n',
  ])
    for (const text of [describeReport(report), python]) expect(text).toContain(said)
})

it('says nothing where nothing changed', async () => {
  await seriesWith(() => {})
  const report = await verifyWithBoth(directory)
  expect(report.series[0]).toMatchObject({ changes: [], approvedByOne: 0 })
  expect(describeReport(report)).not.toMatch(/approval|changed/)
})

it('an approval that no version writes is an altered manifest', async () => {
  const path = await seriesWith((manifest) => {
    manifest.approval = 'one-person'
  })
  await rewrite(path, (text) => text.replace('one-person', 'two-people'))
  expect((await verifyWithBoth(directory)).findings).toMatchObject([{ what: 'manifest-altered' }])
})

it('so is one in a manifest of an earlier format', async () => {
  await seriesWith(
    (manifest) => {
      manifest.approval = 'one-person'
    },
    () => 'hansard-manifest/2',
  )
  expect((await verifyWithBoth(directory)).findings).toMatchObject([{ what: 'manifest-altered' }])
})
