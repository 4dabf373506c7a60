import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFile,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FindingKind } from '@hansard/evidence'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportSeries, forge, type SealedExport } from './exports-in-test.ts'
import { describeReport, type VerifyReport, verifyDirectory } from './verify.ts'

const PYTHON = fileURLToPath(new URL('../../../../docs/verify.py', import.meta.url))

let temporary: string
let sound: string
let exports: SealedExport[]

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'hansard-verify-'))
  sound = join(temporary, 'sound')
  exports = await soundSeries(sound)
})
afterAll(() => rm(temporary, { recursive: true }))

/** Two sources, one of them stopped and begun again; silence; quarantine, settled and not; late events. */
async function soundSeries(directory: string): Promise<SealedExport[]> {
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

let copies = 0
async function copyOf(directory: string): Promise<string> {
  const copy = join(temporary, `copy-${++copies}`)
  await cp(directory, copy, { recursive: true })
  return copy
}

async function verifyWithPython(directory: string): Promise<VerifyReport> {
  const [code, stdout, stderr] = await new Promise<[number, string, string]>((resolve) => {
    execFile('python3', [PYTHON, '--json', directory], { maxBuffer: 1 << 28 }, (error, stdout, stderr) =>
      resolve([typeof error?.code === 'number' ? error.code : 0, stdout, stderr]),
    )
  })
  expect(stderr).toBe('')
  const report = JSON.parse(stdout) as VerifyReport
  expect(report.exitCode).toBe(code)
  return report
}

/** Both implementations, which must say the same in the same words, but for what the system says of its errors. */
async function verifyWithBoth(directory: string): Promise<VerifyReport> {
  const ours = await verifyDirectory(directory)
  const theirs = await verifyWithPython(directory)
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

async function flipBit(path: string, bit?: number): Promise<void> {
  const bytes = await readFile(path)
  const at = bit ?? Math.floor(bytes.length / 2) * 8
  bytes[at >> 3]! ^= 1 << (at & 7)
  await writeFile(path, bytes)
}

async function rewrite(path: string, change: (text: string) => string): Promise<void> {
  const text = await readFile(path, 'utf8')
  expect(change(text)).not.toBe(text)
  await writeFile(path, change(text))
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
        outstanding: [{ source: 'chat-1', epoch: 1, seq: 9, export: 2, altered: false }],
      },
    ])
    const text = describeReport(report)
    expect(text).toContain('NOT YET IN ANY DOCUMENT: chat-1/1/9, in quarantine since export 2')
    expect(text).toContain('Nothing here is signed')
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

/** Gives the manifest the size and hash its chain file has now. */
async function reseal(directory: string, one: SealedExport, alsoChange: Parameters<typeof forge>[1] = () => {}) {
  const bytes = await readFile(join(directory, one.chain))
  await forge(join(directory, one.manifest), (manifest) => {
    const chain = manifest.files.find((file) => file.role === 'chain')!
    Object.assign(chain, { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })
    alsoChange(manifest)
  })
}

type Mutation = {
  readonly name: string
  readonly change: (at: (name: string) => string, directory: string) => Promise<unknown>
  readonly finds: readonly FindingKind[]
  /** parts of the message of the first finding */
  readonly says: readonly string[]
}

const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a bit flipped in a document',
    change: (at) => flipBit(at(exports[2]!.documents[1]!)),
    finds: ['file-altered'],
    says: ['20261120T000200Z_20261120T000300Z-0002.xml was altered'],
  },
  {
    name: 'a document cut short',
    change: (at) => rewrite(at(exports[0]!.documents[0]!), (text) => text.slice(0, -5)),
    finds: ['file-size'],
    says: ['20261120T000000Z_20261120T000100Z-0001.xml has'],
  },
  {
    name: 'a document made longer',
    change: (at) => rewrite(at(exports[0]!.documents[0]!), (text) => `${text}\n`),
    finds: ['file-size'],
    says: ['-0001.xml'],
  },
  {
    name: 'a document removed',
    change: (at) => rm(at(exports[0]!.documents[0]!)),
    finds: ['file-missing'],
    says: ['20261120T000000Z_20261120T000100Z-0001.xml is missing'],
  },
  {
    name: 'two documents exchanged',
    change: async (at) => {
      await rename(at(exports[0]!.documents[0]!), at('x'))
      await rename(at(exports[0]!.documents[1]!), at(exports[0]!.documents[0]!))
      await rename(at('x'), at(exports[0]!.documents[1]!))
    },
    finds: ['file-altered', 'file-altered'],
    says: ['-0001.xml was altered'],
  },
  {
    name: 'a document slipped in',
    change: (at) => copyFile(at(exports[0]!.documents[0]!), at(`${exports[0]!.stem}-0003.xml`)),
    finds: ['file-unlisted'],
    says: ['-0003.xml is not listed'],
  },
  {
    name: 'a chain file removed',
    change: (at) => rm(at(exports[1]!.chain)),
    finds: ['file-missing'],
    says: [`20261120T000100Z_20261120T000200Z.chain.txt is missing`],
  },
  {
    name: 'a leaf altered in a chain file',
    change: (at) => rewrite(at(exports[0]!.chain), (text) => text.replace(/(\/?1\t4\t)./, '$1x').replace('\tx', '\t0')),
    finds: ['chain-head', 'file-altered'],
    says: ['chat-1/1', 'up to number 6'],
  },
  {
    name: 'a line removed from a chain file',
    change: (at) => rewrite(at(exports[0]!.chain), (text) => text.replace(/chat-1\t1\t4\t.*\n/, '')),
    finds: ['chain-line', 'file-size'],
    says: ['chat-1/1: number 4 is due, chat-1/1/5 is there (line 7)'],
  },
  {
    name: 'the last line removed from a chain file',
    change: (at) => rewrite(at(exports[0]!.chain), (text) => text.replace(/chat-1\t1\t6\t.*\n/, '')),
    finds: ['chain-line', 'file-size'],
    says: ['number 6 is due, the file ends'],
  },
  {
    name: 'the last line break removed from a chain file',
    change: (at) => rewrite(at(exports[0]!.chain), (text) => text.slice(0, -1)),
    finds: ['chain-line', 'file-size'],
    says: ['ends within a line'],
  },
  {
    name: 'two lines exchanged in a chain file',
    change: (at) => rewrite(at(exports[0]!.chain), (text) => text.replace(/(chat-1\t1\t4\t.*\n)(.*\n)/, '$2$1')),
    finds: ['chain-line', 'file-altered'],
    says: ['number 4 is due, chat-1/1/5 is there'],
  },
  {
    name: 'a line repeated in a chain file',
    change: (at) => rewrite(at(exports[0]!.chain), (text) => text.replace(/(chat-1\t1\t6\t.*\n)/, '$1$1')),
    finds: ['chain-line', 'file-size'],
    says: ['chat-1/1/6 follows the last number of the export'],
  },
  {
    name: 'a chain file emptied',
    change: (at) => writeFile(at(exports[0]!.chain), ''),
    finds: ['chain-line', 'file-size'],
    says: ['chat 2 é/1: number 1 is due, the file ends'],
  },
  {
    name: 'a bit flipped in the middle of a manifest',
    change: (at) => flipBit(at(exports[1]!.manifest)),
    finds: ['manifest-altered', 'export-missing', 'chain-gap'],
    says: ['20261120T000100Z_20261120T000200Z.manifest.json was altered'],
  },
  {
    name: 'a bit flipped in the newest manifest',
    change: (at) => flipBit(at(exports[5]!.manifest)),
    finds: ['manifest-altered'],
    says: ['20261120T000400Z_20261120T000500Z.manifest.json was altered'],
  },
  {
    name: 'a manifest cut short',
    change: (at) => rewrite(at(exports[5]!.manifest), (text) => text.slice(0, text.length / 2)),
    finds: ['manifest-altered'],
    says: ['20261120T000400Z_20261120T000500Z.manifest.json'],
  },
  {
    name: 'a manifest emptied',
    change: (at) => writeFile(at(exports[5]!.manifest), ''),
    finds: ['manifest-altered'],
    says: ['20261120T000400Z_20261120T000500Z.manifest.json'],
  },
  {
    name: 'the newest manifest removed',
    change: (at) => rm(at(exports[5]!.manifest)),
    finds: ['manifest-missing'],
    says: ['20261120T000400Z_20261120T000500Z.manifest.json is missing'],
  },
  {
    name: 'every manifest removed',
    change: async (at) => {
      for (const { manifest } of exports) await rm(at(manifest))
    },
    finds: Array.from({ length: 6 }, () => 'manifest-missing' as const),
    says: ['.manifest.json is missing'],
  },
  {
    name: 'a whole export removed',
    change: async (at, directory) => {
      for (const file of await readdir(directory)) if (file.startsWith(`${exports[4]!.stem}`)) await rm(at(file))
    },
    finds: ['export-missing', 'chain-gap', 'chain-gap', 'chain-gap'],
    says: ['export 5 is missing'],
  },
  {
    name: 'the addendum removed',
    change: async (at, directory) => {
      for (const file of await readdir(directory)) if (file.includes('addendum-4')) await rm(at(file))
    },
    finds: ['export-missing', 'chain-gap'],
    says: ['export 4 is missing'],
  },
  {
    name: 'a manifest copied under another name',
    change: (at) => copyFile(at(exports[0]!.manifest), at('copy.manifest.json')),
    finds: ['export-twice'],
    says: ['has number 1'],
  },
  {
    name: 'a manifest of another adapter',
    change: async (at) => {
      const other = await exportSeries(join(temporary, 'other'), { adapter: 'akonix' })
      const { manifest } = await other.interval({})
      await copyFile(join(other.directory, manifest), at('zzz.manifest.json'))
    },
    finds: ['wrong-series'],
    says: ['zzz.manifest.json is of fourth-coffee, akonix'],
  },
  {
    name: 'a manifest rewritten with another engine, its own hash made right',
    change: (at) => forge(at(exports[1]!.manifest), (manifest) => Object.assign(manifest.adapter, { engine: 'other' })),
    finds: ['previous-manifest'],
    says: [`20261120T000200Z_20261120T000300Z.manifest.json was sealed after another manifest`],
  },
  {
    name: 'the first manifest pretending to have a predecessor',
    change: (at) => forge(at(exports[5]!.manifest), (manifest) => Object.assign(manifest, { number: 1 })),
    finds: ['manifest-contradiction', 'export-twice'],
    says: ['only export 1 has no manifest before it'],
  },
  {
    name: 'the count of a kind raised',
    change: (at) => forge(at(exports[5]!.manifest), ({ counts }) => Object.assign(counts, { chat: counts.chat + 1 })),
    finds: ['manifest-contradiction'],
    says: ['the kinds do not add up'],
  },
  {
    name: 'the count of a document raised',
    change: (at) => forge(at(exports[5]!.manifest), ({ files }) => Object.assign(files[0]!, { events: 1 })),
    finds: ['manifest-contradiction'],
    says: ['its documents hold 1 events, 0 are to be shown'],
  },
  {
    name: 'events said to be left out',
    change: (at) => forge(at(exports[5]!.manifest), ({ omitted }) => Object.assign(omitted, { chat: 1 })),
    finds: ['manifest-contradiction', 'manifest-contradiction'],
    says: ['it leaves out 1 of 0 events of kind chat'],
  },
  {
    name: 'the interval shifted',
    change: (at) =>
      forge(at(exports[5]!.manifest), (manifest) => {
        const { startMs, endMs } = manifest.interval
        const iso = (ms: number) => new Date(ms).toISOString()
        const shifted = { startMs: startMs + 1, endMs: endMs + 1, start: iso(startMs + 1), end: iso(endMs + 1) }
        Object.assign(manifest.interval, shifted)
      }),
    finds: ['interval-gap'],
    says: ['begins at 2026-11-20T00:04:00.001Z, the interval before it ended at 2026-11-20T00:04:00.000Z'],
  },
  {
    name: 'the interval in words not being the one in numbers',
    change: (at) =>
      forge(at(exports[5]!.manifest), ({ interval }) => Object.assign(interval, { endMs: interval.endMs + 1 })),
    finds: ['manifest-contradiction'],
    says: ['the interval in words'],
  },
  {
    name: 'a source left out of the newest manifest',
    change: (at) => forge(at(exports[5]!.manifest), (manifest) => void manifest.sources.pop()),
    finds: ['source-missing'],
    says: ['does not list chat-3/1, which was alive in export 5'],
  },
  {
    name: 'a source listed twice',
    change: (at) =>
      forge(at(exports[5]!.manifest), (manifest) => {
        if (manifest.kind === 'interval') manifest.sources.push(manifest.sources[0]!)
      }),
    finds: ['manifest-contradiction'],
    says: ['chat 2 é/2 is not listed in its place'],
  },
  {
    name: 'a wrong anchor in the newest manifest',
    change: (at) =>
      forge(at(exports[5]!.manifest), (manifest) => {
        if (manifest.kind === 'interval')
          Object.assign(manifest.sources[1]!, { headBefore: 'e'.repeat(64), head: 'e'.repeat(64) })
      }),
    finds: ['chain-head'],
    says: ['chat-1/1: the chain broke at or before 15'],
  },
  {
    name: 'a number of the newest manifest claimed to be older',
    change: (at) =>
      forge(at(exports[5]!.manifest), (manifest) => {
        if (manifest.kind === 'interval') Object.assign(manifest.sources[1]!, { last: 14 })
      }),
    finds: ['chain-twice'],
    says: ['chat-1/1: number 15 is in an earlier export already'],
  },
  {
    name: 'a number of the newest manifest claimed to be newer',
    change: (at) =>
      forge(at(exports[5]!.manifest), (manifest) => {
        if (manifest.kind === 'interval') Object.assign(manifest.sources[1]!, { last: 17 })
      }),
    finds: ['chain-gap'],
    says: ['chat-1/1: numbers 16 to 17 are in no export'],
  },
  {
    name: 'a quarantined number passed off as exported',
    change: async (at, directory) => {
      await rewrite(at(exports[1]!.chain), (text) => text.replace(/(\t9\t[0-9a-f]{64})\tquarantined\t.*/, '$1'))
      await reseal(directory, exports[1]!)
    },
    finds: ['chain-line', 'previous-manifest'],
    says: ['chat-1/1: manifest and chain file do not agree that number 9 is in quarantine'],
  },
  {
    name: 'an event taken out of quarantine as another text',
    change: async (at, directory) => {
      await rewrite(at(exports[3]!.chain), (text) =>
        text.replace(/(chat-1\t1\t8\t)[0-9a-f]{64}/, `$1${'d'.repeat(64)}`),
      )
      await reseal(directory, exports[3]!)
    },
    finds: ['chain-head', 'previous-manifest'],
    says: ['chat-1/1: number 8 came out of quarantine as another text than was accepted'],
  },
  {
    name: 'an event in an addendum that is in an earlier export',
    change: async (at, directory) => {
      await rewrite(at(exports[3]!.chain), (text) => text.replace('chat-1\t1\t8\t', 'chat-1\t1\t7\t'))
      await reseal(directory, exports[3]!, (manifest) => {
        if (manifest.kind === 'addendum') manifest.sources[0]!.seqs = [[7, 7]]
      })
    },
    finds: ['chain-twice', 'previous-manifest'],
    says: ['chat-1/1: number 7 is in an earlier export already'],
  },
]

describe('what was done to exports is found by both verifiers', () => {
  // All at once, a series each: starting Python for every one of them would take longer than everything else.
  const places = new Map(MUTATIONS.map(({ name }, index) => [name, `mutation-${index}`]))
  let report: VerifyReport

  beforeAll(async () => {
    const mutations = join(temporary, 'mutations')
    for (const { name, change } of MUTATIONS) {
      const directory = join(mutations, places.get(name)!)
      await cp(sound, directory, { recursive: true })
      await change((file) => join(directory, file), directory)
    }
    report = await verifyWithBoth(mutations)
  })

  it.for(MUTATIONS)('$name', ({ name, finds, says }) => {
    const found = report.findings.filter(({ series }) => series === places.get(name))
    expect(found.map(({ what }) => what).sort()).toEqual([...finds].sort())
    const messages = found.map(({ message }) => message).join('\n')
    for (const part of says) expect(messages).toContain(part)
  })

  it('and is broken, exit code 1, in words that name it', () => {
    expect(report).toMatchObject({ outcome: 'broken', exitCode: 1, unreadable: [] })
    expect(describeReport(report)).toContain('BROKEN      mutation-0: 20261120T000200Z_20261120T000300Z-0002.xml')
  })

  it('any flipped bit, anywhere', async () => {
    const files = await readdir(sound)
    const flips = join(temporary, 'flips')
    let seed = 4711
    let copies = 0
    for (const file of files.sort().flatMap((file) => [file, file, file])) {
      seed = (seed * 48_271) % 2_147_483_647
      const { length } = await readFile(join(sound, file))
      if (length === 0) continue
      const copy = join(flips, `flip-${++copies}`)
      await cp(sound, copy, { recursive: true })
      await flipBit(join(copy, file), seed % (length * 8))
    }
    expect(copies).toBeGreaterThan(60)
    const { findings } = await verifyWithBoth(flips)
    expect(new Set(findings.map(({ series }) => series))).toEqual(new Set(await readdir(flips)))
  })

  it('any file removed', async () => {
    const removals = join(temporary, 'removals')
    const files = await readdir(sound)
    for (const [index, file] of files.entries()) {
      const copy = join(removals, `removal-${index}`)
      await cp(sound, copy, { recursive: true })
      await rm(join(copy, file))
    }
    const { findings } = await verifyWithBoth(removals)
    expect(new Set(findings.map(({ series }) => series))).toEqual(new Set(await readdir(removals)))
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
      const content = text.replace('hansard-manifest/2', 'hansard-manifest/3').split('\n').slice(0, -3).join('\n')
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
