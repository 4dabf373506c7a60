import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Manifest } from '@hansard/evidence'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportSeries, type SealedExport } from './exports-in-test.ts'
import { describeReport } from './verify.ts'
import { flipBit, reseal, rewrite, soundSeries, verifyWithBoth } from './verify-in-test.ts'

let temporary: string
let sound: string
let exports: SealedExport[]

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'hansard-verify-'))
  sound = join(temporary, 'sound')
  exports = await soundSeries(sound)
})
afterAll(() => rm(temporary, { recursive: true }))

let copies = 0
async function copyOf(directory: string): Promise<string> {
  const copy = join(temporary, `copy-${++copies}`)
  await cp(directory, copy, { recursive: true })
  return copy
}

describe('exports that are in order', () => {
  it('are good, and what is not in a document yet is named', async () => {
    const report = await verifyWithBoth(sound)
    expect(report).toMatchObject({ outcome: 'good', exitCode: 0, findings: [], unreadable: [] })
    expect(report.series).toEqual([
      {
        series: '.',
        pool: 'fourth-coffee',
        adapter: 'xml',
        exports: 6,
        firstExport: 1,
        lastExport: 6,
        from: '2026-11-20T00:00:00.000Z',
        to: '2026-11-20T00:05:00.000Z',
        documents: 12,
        events: 28,
        newestManifest: {
          file: exports[5]!.manifest,
          sha256: createHash('sha256')
            .update(await readFile(join(sound, exports[5]!.manifest)))
            .digest('hex'),
        },
        trust: { from: 'beginning', because: [] },
        incomplete: [],
        pagesNotCompared: 6,
        acceptedGaps: [],
        approvedByOne: 0,
        changes: [],
        notRunning: [],
        texts: null,
        record: null,
        outstanding: [{ source: 'chat-1', epoch: 1, incarnation: '', seq: 9, export: 2, altered: false }],
      },
    ])
    const text = describeReport(report)
    expect(text).toContain('NOT YET IN ANY DOCUMENT: chat-1/1/9, in quarantine since export 2')
    expect(text).toContain('Trust: unsigned.')
  })

  it('are good when sources have incarnations, also two that share name and epoch', async () => {
    const [a, b] = ['a', 'b'].map((digit) => `chat-1/1/${digit.repeat(32)}`) as [string, string]
    const series = await exportSeries(join(temporary, 'incarnations'))
    await series.interval({ 'chat-1/1': { through: 2 }, [a]: { through: 3 } })
    await series.interval({ 'chat-1/1': { through: 2 }, [a]: { through: 5, quarantined: [4] }, [b]: { through: 1 } })
    await series.addendum({ [a]: [4] }, { of: 2 })
    expect(await verifyWithBoth(series.directory)).toMatchObject({ exitCode: 0, findings: [] })

    const of = async (change: (text: string) => string) => {
      const directory = await copyOf(series.directory)
      await rewrite(join(directory, series.sealed[1]!.chain), change)
      return (await verifyWithBoth(directory)).findings.map(({ what }) => what)
    }
    expect(await of((text) => text.replace('b'.repeat(32), 'c'.repeat(32)))).toContain('chain-line')
    expect(await of((text) => text.replace(/\t[ab]{32}\t/, '\t-\t'))).toContain('chain-line')
    expect(await of((text) => text.replace(/\t[ab]{32}\t/, '\t'))).toContain('chain-line')
  })

  it('are good when formats one, two and three follow each other', async () => {
    const formatOf = (number: number) => `hansard-manifest/${Math.min(number, 3)}` as Manifest['format']
    const series = await exportSeries(join(temporary, 'three-formats'), { formatOf })
    for (const through of [3, 5, 9]) await series.interval({ 'chat-1/1': { through } })
    expect(await verifyWithBoth(series.directory)).toMatchObject({ exitCode: 0, findings: [] })
  })

  it('are good when the first of them were sealed in the first format, and later ones list file transfers', async () => {
    const formatOf = (number: number) => (number < 3 ? 'hansard-manifest/1' : 'hansard-manifest/2')
    const series = await exportSeries(join(temporary, 'two-formats'), { formatOf, transfers: 2 })
    for (const through of [3, 4, 8, 9]) await series.interval({ 'chat-1/1': { through } })
    const formats = await Promise.all(
      series.sealed.map(async ({ manifest }) => JSON.parse(await readFile(join(series.directory, manifest), 'utf8'))),
    )
    expect(formats.map(({ format, files }) => `${format} ${files.length}`)).toEqual([
      'hansard-manifest/1 3',
      'hansard-manifest/1 3',
      'hansard-manifest/2 4',
      'hansard-manifest/2 3',
    ])
    expect(await verifyWithBoth(series.directory)).toMatchObject({ exitCode: 0, findings: [] })

    await appendFile(join(series.directory, `${series.sealed[2]!.stem}-0001.xml.ATTACH`), ' ')
    expect(await verifyWithBoth(series.directory)).toMatchObject({ exitCode: 1, findings: [{ what: 'file-size' }] })
  })

  it('are found in folders below, one series each', async () => {
    const root = join(temporary, 'pool')
    await soundSeries(join(root, 'exports', 'xml'))
    await (await exportSeries(join(root, 'exports', 'xml-extended'), { adapter: 'xml-extended' })).interval({
      'chat-1/1': { through: 2 },
    })
    await writeFile(join(root, 'README'), 'not ours')
    const report = await verifyWithBoth(root)
    expect(report.exitCode).toBe(0)
    expect(report.series.map(({ series, adapter }) => [series, adapter])).toEqual([
      ['exports/xml', 'xml'],
      ['exports/xml-extended', 'xml-extended'],
    ])
    await flipBit(join(root, 'exports', 'xml', exports[0]!.documents[0]!))
    expect(await verifyWithBoth(root)).toMatchObject({ exitCode: 1, findings: [{ series: 'exports/xml' }] })
  })

  it('may begin in the middle, and then that is said', async () => {
    const directory = await copyOf(sound)
    for (const { stem } of exports.slice(0, 1))
      for (const file of await readdir(directory)) if (file.startsWith(stem)) await rm(join(directory, file))
    const report = await verifyWithBoth(directory)
    expect(report.exitCode).toBe(0)
    expect(report.series[0]!.trust).toEqual({
      from: 'anchor',
      because: [
        'export 1 is not in this directory',
        'the chain of chat 2 é/1 is taken up after its number 3',
        'the chain of chat-1/1 is taken up after its number 6',
      ],
    })
    expect(describeReport(report)).toContain('from where the series begins')
  })

  it('may belong to an adapter that was added later, also when its first export is an addendum', async () => {
    const series = await exportSeries(join(temporary, 'added-later'))
    series.startsAfter('chat-1/1', 40)
    await series.addendum({ 'chat-1/1': [41, 42] }, { next: true })
    await series.interval({ 'chat-1/1': { through: 50 } })
    const report = await verifyWithBoth(series.directory)
    expect(report).toMatchObject({ exitCode: 0, series: [{ trust: { from: 'anchor' } }] })
  })

  it('may carry a late event before its predecessors', async () => {
    const series = await exportSeries(join(temporary, 'out-of-order'))
    await series.interval({ 'chat-1/1': { through: 2 } })
    await series.addendum({ 'chat-1/1': [5, 6] })
    await series.addendum({ 'chat-1/1': [3, 4] })
    series.startsAfter('chat-1/1', 6)
    await series.interval({ 'chat-1/1': { through: 8 } })
    expect(await verifyWithBoth(series.directory)).toMatchObject({ exitCode: 0 })
  })

  it('may have a hole that a later addendum fills, and not one that it fills with something else', async () => {
    for (const [name, leaf] of [
      ['right', undefined],
      ['wrong', 'f'.repeat(64)],
    ] as const) {
      const series = await exportSeries(join(temporary, `hole-${name}`))
      await series.interval({ 'chat-1/1': { through: 2 } })
      series.startsAfter('chat-1/1', 5)
      await series.interval({ 'chat-1/1': { through: 8 } })
      const last = await series.addendum({ 'chat-1/1': [3, 4, 5] })
      if (leaf) {
        const chain = join(series.directory, last.chain)
        await rewrite(chain, (text) => text.replace(/[0-9a-f]{64}/, leaf))
        await reseal(series.directory, last)
      }
      const { findings } = await verifyWithBoth(series.directory)
      expect(findings).toMatchObject(leaf ? [{ what: 'chain-head', source: 'chat-1/1', seq: 5 }] : [])
    }
  })

  it('may hold in quarantine a text that is not the one that was accepted, and then that is said', async () => {
    const series = await exportSeries(join(temporary, 'altered-in-quarantine'))
    const one = await series.interval({ 'chat-1/1': { through: 4, quarantined: [2] } })
    await rewrite(join(series.directory, one.chain), (text) =>
      text.replace(/(\t2\t)[0-9a-f]{64}/, `$1${'c'.repeat(64)}`),
    )
    await reseal(series.directory, one)
    const report = await verifyWithBoth(series.directory)
    expect(report).toMatchObject({ exitCode: 0, series: [{ outstanding: [{ seq: 2, altered: true }] }] })
    expect(describeReport(report)).toContain('its text is not the one that was accepted')
  })

  it('are not shaken by names that no terminal should be shown', async () => {
    const series = await exportSeries(join(temporary, 'names'))
    await series.interval({ "evil\u001b[2J\tname%/'/1": { through: 2 }, '日本/7': { through: 1 } })
    const report = await verifyWithBoth(series.directory)
    expect(report.exitCode).toBe(0)
    const [first] = series.sealed
    await rewrite(join(series.directory, first!.chain), (text) => text.slice(text.indexOf('\n') + 1))
    expect(describeReport(await verifyWithBoth(series.directory))).not.toContain('\u001b')
  })
})

it('hansard verify answers with its exit code, and in JSON where that is asked for', async () => {
  const damaged = await copyOf(sound)
  await flipBit(join(damaged, exports[0]!.chain))
  const run = (directory: string) =>
    new Promise<[number, string]>((resolve) => {
      const bin = fileURLToPath(new URL('../bin.ts', import.meta.url))
      const command = ['--conditions=@hansard/source', bin, 'verify', directory, '--json']
      execFile(process.execPath, command, (error, stdout) => resolve([Number(error?.code ?? 0), stdout]))
    })
  const answers = await Promise.all([sound, damaged, join(temporary, 'nowhere')].map(run))
  expect(answers.map(([code, stdout]) => [code, JSON.parse(stdout).outcome])).toEqual([
    [0, 'good'],
    [1, 'broken'],
    [2, 'unreadable'],
  ])
})

describe('a source that has forked', () => {
  const fork = { source: 'chat-1', epoch: 1, incarnation: '', seq: 4, leaf: 'f'.repeat(64), events: 2 }

  it('is named by both verifiers, and the exports are not good', async () => {
    const series = await exportSeries(join(temporary, 'fork'))
    await series.interval({ 'chat-1/1': { through: 5 } }, { forks: [fork] })
    await series.interval({ 'chat-1/1': { through: 6 } })
    const report = await verifyWithBoth(series.directory)
    expect(report).toMatchObject({ exitCode: 1, findings: [{ what: 'fork', source: 'chat-1/1', seq: 4, export: 1 }] })
    expect(describeReport(report)).toMatch(/^FORK +.*differed in chat-1\/1, from number 4 on; texts in quarantine: 2$/m)
    expect(describeReport(report)).not.toContain('Good:')
  })

  it('is named also when no other text has arrived', async () => {
    const series = await exportSeries(join(temporary, 'fork-heads'))
    const heads = { ...fork, incarnation: 'a'.repeat(32), leaf: null, events: 0 }
    await series.interval({ [`chat-1/1/${'a'.repeat(32)}`]: { through: 5 } }, { forks: [heads] })
    const { findings } = await verifyWithBoth(series.directory)
    expect(findings).toMatchObject([{ what: 'fork', message: expect.stringContaining('no other text has arrived') }])
  })

  it('is listed in its place', async () => {
    const series = await exportSeries(join(temporary, 'fork-order'))
    await series.interval({ 'chat-1/1': { through: 5 } }, { forks: [{ ...fork, source: 'chat-2' }, fork] })
    const { findings } = await verifyWithBoth(series.directory)
    expect(findings.map(({ what }) => what)).toEqual(['manifest-contradiction', 'fork', 'fork'])
  })
})

describe('what cannot be read is not called broken', () => {
  it('a directory that is not there, is empty, or holds nothing of ours', async () => {
    const empty = join(temporary, 'empty')
    await mkdir(join(empty, 'below'), { recursive: true })
    expect(await verifyWithBoth(empty)).toMatchObject({ exitCode: 2, outcome: 'unreadable', findings: [] })
    await writeFile(join(empty, 'notes.txt'), 'nothing')
    expect(await verifyWithBoth(empty)).toMatchObject({ exitCode: 2 })
    expect(await verifyWithBoth(join(temporary, 'nowhere'))).toMatchObject({ exitCode: 2 })
    expect(await verifyWithBoth(join(empty, 'notes.txt'))).toMatchObject({ exitCode: 2 })
  })

  it.for(['document', 'chain', 'manifest'] as const)('a %s that the disk does not give', async (role) => {
    const directory = await copyOf(sound)
    const name = { document: exports[1]!.documents[0]!, chain: exports[1]!.chain, manifest: exports[1]!.manifest }[role]
    await rm(join(directory, name))
    await symlink(name, join(directory, name))
    const report = await verifyWithBoth(directory)
    expect(report).toMatchObject({ exitCode: 2, findings: [] })
    expect(report.unreadable[0]).toMatchObject({ file: name })
    expect(describeReport(report)).toContain('UNREADABLE')
  })

  it('an addendum whose chain file the disk does not give', async () => {
    const directory = await copyOf(sound)
    await rm(join(directory, exports[3]!.chain))
    await mkdir(join(directory, exports[3]!.chain))
    expect(await verifyWithBoth(directory)).toMatchObject({ exitCode: 2, findings: [] })
  })

  it('a manifest of a later format, unless it was damaged', async () => {
    const directory = await copyOf(sound)
    const path = join(directory, exports[5]!.manifest)
    await rewrite(path, (text) => {
      const content = text.replace('hansard-manifest/3', 'hansard-manifest/9').split('\n').slice(0, -3).join('\n')
      const digest = createHash('sha256').update(`${content}\n`).digest('hex')
      return `${content}\n  "contentSha256": "${digest}"\n}\n`
    })
    expect(await verifyWithBoth(directory)).toMatchObject({ exitCode: 2, findings: [] })
    await flipBit(path, 2_000)
    expect(await verifyWithBoth(directory)).toMatchObject({ exitCode: 1 })
  })

  it('but what is broken besides is', async () => {
    const directory = await copyOf(sound)
    await rm(join(directory, exports[1]!.documents[0]!))
    await mkdir(join(directory, exports[1]!.documents[0]!))
    await flipBit(join(directory, exports[2]!.documents[0]!))
    const report = await verifyWithBoth(directory)
    expect(report).toMatchObject({ exitCode: 1, findings: [{ what: 'file-altered' }] })
    expect(report.unreadable).toHaveLength(1)
  })
})
