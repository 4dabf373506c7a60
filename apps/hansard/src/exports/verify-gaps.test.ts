import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Manifest } from '@hansard/evidence'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportSeries, forge, type SealedExport } from './exports-in-test.ts'
import { describeReport } from './verify.ts'
import { reseal, rewrite, verifyWithBoth } from './verify-in-test.ts'

const PYTHON = fileURLToPath(new URL('../../../../docs/verify.py', import.meta.url))

let temporary: string
let directory: string
let exports: SealedExport[]

/** Numbers 4 and 5 lie between others; 11 and 12 are the last that the source had assigned by then. */
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'hansard-gaps-'))
  directory = join(temporary, 'sound')
  const series = await exportSeries(directory)
  await series.interval({ 'chat-1/1': { through: 8, gaps: [[4, 5]] }, 'chat-2/1': { through: 2 } })
  await series.interval({ 'chat-1/1': { through: 12, gaps: [[11, 12]] }, 'chat-2/1': { through: 2 } })
  await series.interval({ 'chat-1/1': { through: 14 }, 'chat-2/1': { through: 3 } })
  exports = series.sealed
})
afterAll(() => rm(temporary, { recursive: true }))

let copies = 0
async function copy(): Promise<string> {
  const to = join(temporary, `copy-${++copies}`)
  await cp(directory, to, { recursive: true })
  return to
}

describe('accepted gaps', () => {
  it('are no finding, and the verdict is "complete except", with an exit code of its own', async () => {
    const report = await verifyWithBoth(directory)
    expect(report).toMatchObject({ outcome: 'excepted', exitCode: 3, findings: [], unreadable: [] })
    expect(report.series[0]!.acceptedGaps).toMatchObject([
      { source: 'chat-1', from: 4, to: 5, export: 1, arrived: 0, acceptedBy: ['olivia', 'otto'] },
      { source: 'chat-1', from: 11, to: 12, export: 2, arrived: 0, headAfter: null },
    ])
    const because = 'accepted by olivia and otto on 2026-11-20T00:00:00.000Z because: the disk was cut'
    const lines = describeReport(report).split('\n')
    expect(lines).toContain(`  ACCEPTED GAP: numbers 4 to 5 of chat-1/1, in export 1, ${because}`)
    expect(lines.filter((line) => line.startsWith('Complete except'))).toEqual([
      `Complete except 2 numbers of chat-1/1, ${because}`,
    ])
    const python = await promisify(execFile)('python3', [PYTHON, directory]).catch((error) => error)
    expect(python.code).toBe(3)
    expect(python.stdout.split('\n').filter((line: string) => /GAP|except/.test(line))).toEqual(
      lines.filter((line) => /GAP|except/.test(line)),
    )
  })

  it('are told apart from numbers that are missing', async () => {
    const of = await copy()
    const lines = (text: string) => text.replace(/^chat-1\t1\t-\t14\t.*\n/m, '')
    await rewrite(join(of, exports[2]!.chain), lines)
    await reseal(of, exports[2]!, (manifest) => {
      const chain = manifest.files.find(({ role }) => role === 'chain')!
      chain.events -= 1
      manifest.files[0]!.events -= 1
      manifest.counts.total -= 1
      manifest.counts.chat -= 1
      const part = manifest.sources[0]! as { last: number; count: number; head: string; headBefore: string }
      Object.assign(part, { last: 13, count: 1 })
    })
    const { findings } = await verifyWithBoth(of)
    expect(findings.map(({ what }) => what)).toContain('chain-head')

    const cut = await exportSeries(join(temporary, 'missing'))
    await cut.interval({ 'chat-1/1': { through: 3, gaps: [[2, 2]] } })
    cut.startsAfter('chat-1/1', 5)
    await cut.interval({ 'chat-1/1': { through: 6 } })
    const report = await verifyWithBoth(cut.directory)
    expect(report.findings).toMatchObject([{ what: 'chain-gap', message: 'chat-1/1: numbers 4 to 5 are in no export' }])
    expect(describeReport(report)).toMatch(/^MISSING {5}\.: chat-1\/1: numbers 4 to 5 are in no export$/m)
    expect(describeReport(report)).toContain('ACCEPTED GAP: number 2 of chat-1/1')
  })

  it('that arrive later are named, and none is left when the chain has proved them all', async () => {
    for (const before of [true, false]) {
      const series = await exportSeries(join(temporary, `late-${before}`))
      if (before) await series.addendum({ 'chat-1/1': [4] }, { next: false })
      await series.interval({ 'chat-1/1': { through: 8, gaps: [[4, 5]] } })
      await series.addendum({ 'chat-1/1': before ? [5] : [4] })
      const half = await verifyWithBoth(series.directory)
      if (!before) {
        expect(half).toMatchObject({ exitCode: 3, findings: [], series: [{ acceptedGaps: [{ arrived: 1 }] }] })
        expect(describeReport(half)).toMatch(/; 1 of them arrived since, in an addendum\n/)
        expect(describeReport(half)).toContain('Complete except 1 number of chat-1/1,')
        await series.addendum({ 'chat-1/1': [5] })
      }
      const whole = await verifyWithBoth(series.directory)
      expect(whole).toMatchObject({ exitCode: 0, findings: [], series: [{ acceptedGaps: [{ arrived: 2 }] }] })
      expect(describeReport(whole)).toMatch(/; 2 of them arrived since/)
    }
  })

  it('that are filled with another text break the chain', async () => {
    for (const gap of [
      [4, 5],
      [7, 8],
    ] as [number, number][]) {
      const series = await exportSeries(join(temporary, `filled-${gap[0]}`))
      await series.interval({ 'chat-1/1': { through: 8, gaps: [gap] } })
      const late = await series.addendum({ 'chat-1/1': gap })
      expect((await verifyWithBoth(series.directory)).findings).toEqual([])
      await rewrite(join(series.directory, late.chain), (text) =>
        text.replace(/[0-9a-f]{64}\n$/, `${'f'.repeat(64)}\n`),
      )
      await reseal(series.directory, late)
      expect((await verifyWithBoth(series.directory)).findings).toMatchObject([{ what: 'chain-head', seq: gap[1] }])
      await series.addendum({ 'chat-1/1': [gap[0]] })
      const twice = (await verifyWithBoth(series.directory)).findings.map(({ what }) => what)
      expect(twice).toContain('chain-twice')
    }
  })

  it('stand before late events, beside each other, and before a number in quarantine', async () => {
    const series = await exportSeries(join(temporary, 'late'))
    await series.interval({ 'chat-2/1': { through: 1 } })
    await series.addendum({ 'chat-1/1': [1, 3, 4] }, { next: true, gaps: [[2, 2]] })
    await series.interval({ 'chat-1/1': { through: 6 }, 'chat-2/1': { through: 5, gaps: [[2, 3]], quarantined: [4] } })
    const report = await verifyWithBoth(series.directory)
    expect(report).toMatchObject({ exitCode: 3, findings: [] })
    expect(report.series[0]!.acceptedGaps).toHaveLength(2)
    expect(report.series[0]!.outstanding).toMatchObject([{ source: 'chat-2', seq: 4, altered: false }])

    const beside = await exportSeries(join(temporary, 'beside'))
    const one = await beside.interval({
      'chat-1/1': {
        through: 8,
        gaps: [
          [4, 5],
          [6, 6],
        ],
      },
    })
    // The head after the first is not known: number 6 is in the second.
    await forge(join(beside.directory, one.manifest), (manifest) => {
      manifest.acceptedGaps![0]!.headAfter = null
    })
    expect(await verifyWithBoth(beside.directory)).toMatchObject({ exitCode: 3, findings: [] })
  })

  it.each([
    ['nothing said of the gap', (m: Manifest) => void delete m.acceptedGaps, /numbers, of which/],
    ['a gap that is too long', gap((one) => Object.assign(one, { to: 6 })), /does not add up|numbers, of which/],
    ['one person', gap((one) => Object.assign(one, { acceptedBy: ['otto', 'otto'] })), /accepted by one person/],
    ['no head', gap((one) => Object.assign(one, { headAfter: null })), /one of two heads/],
    ['two heads', gap((one) => Object.assign(one, { head: 'a'.repeat(64) })), /one of two heads/],
    ['another source', gap((one) => Object.assign(one, { source: 'chat-0' })), /not of this export/],
    ['a gap behind the end', gap((one) => Object.assign(one, { from: 9, to: 10 })), /not of this export/],
    ['a gap the wrong way round', gap((one) => Object.assign(one, { from: 5, to: 4 })), /ends before it begins/],
    [
      'another head after it',
      gap((one) => Object.assign(one, { headAfter: 'a'.repeat(64) })),
      /do not lead to the head/,
    ],
  ])('are found out when a forger leaves %s', async (_, change, message) => {
    const of = await copy()
    await forge(join(of, exports[0]!.manifest), change)
    const report = await verifyWithBoth(of)
    expect(report.exitCode).toBe(1)
    expect(report.findings.map((finding) => finding.message).join('\n')).toMatch(message)
  })

  it('are unknown to earlier formats, and are no empty list', async () => {
    const series = await exportSeries(join(temporary, 'old'), { formatOf: () => 'hansard-manifest/2' })
    const sealed = await series.interval({ 'chat-1/1': { through: 3 } })
    const path = join(series.directory, sealed.manifest)
    await forge(path, (manifest) => {
      manifest.acceptedGaps = [{ ...GAP, from: 2, to: 2 }]
    })
    expect((await verifyWithBoth(series.directory)).findings).toMatchObject([{ what: 'manifest-altered' }])
    expect(await readdir(series.directory)).toContain(sealed.manifest)
  })
})

const GAP = {
  ...{ source: 'chat-1', epoch: 1, head: null, headAfter: 'a'.repeat(64) },
  ...{ acceptedBy: ['a', 'b'] as [string, string], at: '2026-11-20T00:00:00.000Z', reason: 'r' },
}

function gap(change: (one: NonNullable<Manifest['acceptedGaps']>[number]) => unknown) {
  return (manifest: Manifest) => void change(manifest.acceptedGaps![0]!)
}
