import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { leafOf } from '@hansard/compliance-event'
import { describe, expect, it } from 'vitest'
import type { Finding, FindingKind, SeriesReport } from './findings.ts'
import { type Draft, directoryOf, draftSeries, MINUTE, ONE, sealed, T0 } from './series-in-test.ts'
import { verifySeries } from './verify-series.ts'

const VERIFIER = join(import.meta.dirname, '../../../docs/verify.py')

type Files = Map<string, Buffer>
/** Changes the exports before anybody who forges them computes the hashes again. */
type Forge = (drafts: Draft[]) => void
/** Changes what lies in the directory. */
type Damage = (files: Files) => void

type Done = { forge?: Forge; damage?: Damage }

function filesOf({ forge, damage }: Done): Files {
  const drafts = draftSeries()
  forge?.(drafts)
  const files = sealed(drafts)
  damage?.(files)
  return files
}
const verify = (done: Done = {}): Promise<SeriesReport> => verifySeries(directoryOf(filesOf(done)))
const told = ({ findings }: SeriesReport) => findings.map(({ what, message }) => `${what}: ${message}`)

/** A part of an export's sources; the kinds of manifest differ only in what a source has. */
// biome-ignore lint/suspicious/noExplicitAny: a forger keeps to no type.
const source = (drafts: Draft[], number: number, index = 0): any => drafts[number - 1]!.manifest.sources[index]
const manifest = (drafts: Draft[], number: number) => drafts[number - 1]!.manifest
const files = (drafts: Draft[], number: number) => manifest(drafts, number).files
const lines = (drafts: Draft[], number: number) => drafts[number - 1]!.lines

describe('a series of exports', () => {
  it('is good when nothing was done to it', async () => {
    const report = await verify()

    expect(told(report)).toEqual([])
    expect(report).toMatchObject({
      ...{ pool: 'fourth-coffee', adapter: 'xml', exports: 4, firstExport: 1, lastExport: 4, documents: 4, events: 10 },
      ...{ from: new Date(T0).toISOString(), to: new Date(T0 + 3 * MINUTE).toISOString() },
      ...{ trust: { from: 'beginning', because: [] }, outstanding: [], incomplete: [], pagesNotCompared: 0 },
      unreadable: [],
    })
  })

  it('names what is still in quarantine', async () => {
    const report = await verify({ forge: (drafts) => drafts.splice(1) })
    expect(told(report)).toEqual([])
    expect(report.outstanding).toEqual([
      { source: 'chat-1', epoch: 1, incarnation: ONE, seq: 3, export: 1, altered: false },
    ])
    const altered = await verify({
      forge: (drafts) => {
        drafts.splice(1)
        lines(drafts, 1)[2]!.leaf = leafOf('another text')
      },
    })
    expect(altered.outstanding).toMatchObject([{ seq: 3, altered: true }])
  })

  it('may begin in the middle, and says what it trusts then', async () => {
    const report = await verify({ damage: (all) => removeExport(all, '20261120T231500Z') })
    expect(told(report)).toEqual([])
    expect(report.trust).toEqual({
      from: 'anchor',
      because: [
        'exports 1 to 2 are not in this directory',
        `the chain of chat-1/1/${ONE} is taken up after its number 3`,
        `the chain of chat-2/1/${'b'.repeat(32)} is taken up after its number 2`,
      ],
    })
  })
})

/** What a manifest says that cannot be so, although every hash is right. */
const CONTRADICTIONS: [string, string, Forge][] = [
  [
    'words and numbers of its interval differ',
    'the interval in words',
    (d) => (manifest(d, 3).interval.start = '2026-11-20T23:16:00.001Z'),
  ],
  [
    'the end of its interval in words differs',
    'the interval in words',
    (d) => (manifest(d, 3).interval.end = '2026-11-20T23:17:00.001Z'),
  ],
  [
    'its interval has no length',
    'ends before it starts',
    (d) => {
      manifest(d, 4).interval = {
        ...manifest(d, 4).interval,
        end: manifest(d, 4).interval.start,
        endMs: manifest(d, 4).interval.startMs,
      }
    },
  ],
  ['the first follows another', 'only export 1 has no manifest before it', (d) => (d[0]!.previous = 'e'.repeat(64))],
  ['a later one follows none', 'only export 1 has no manifest before it', (d) => (d[2]!.previous = null)],
  ['it has no chain file', 'one chain file', (d) => void files(d, 4).pop()],
  [
    'it has two chain files',
    'one chain file',
    (d) => void files(d, 4).push({ ...files(d, 4).at(-1)!, name: 'b.chain.txt' }),
  ],
  ['it lists a file twice', 'lists a file twice', (d) => void files(d, 4).push({ ...files(d, 4)[0]!, events: 0 })],
  ['a kind is counted too often', 'the kinds do not add up', (d) => (manifest(d, 1).counts.part += 1)],
  ['a kind is counted too rarely', 'the kinds do not add up', (d) => (manifest(d, 1).counts.chat -= 1)],
  ['its sources have more than it counts', 'the sources have 5 events', (d) => (source(d, 1).count += 1)],
  ['its sources have less than it counts', 'the sources have 3 events', (d) => (source(d, 1).count -= 1)],
  [
    'it leaves out more than there is',
    'leaves out 3 of 2 events of kind join',
    (d) => (manifest(d, 4).omitted.join = 3),
  ],
  [
    'its documents hold too many events',
    'its documents hold 2 events, 1 are to be shown',
    (d) => (files(d, 4)[0]!.events += 1),
  ],
  [
    'its documents hold too few events',
    'its documents hold 0 events, 1 are to be shown',
    (d) => (files(d, 4)[0]!.events -= 1),
  ],
  ['its attachments files list too many', 'list 2 transfers, 1 are to be listed', (d) => (files(d, 3)[1]!.events += 1)],
  ['its attachments files list too few', 'list 0 transfers, 1 are to be listed', (d) => (files(d, 3)[1]!.events -= 1)],
  ['it lists attachments that are off', 'list 1 transfers, 0 are to be listed', (d) => (manifest(d, 3).options = {})],
  [
    'an omitted upload is listed all the same',
    'list 1 transfers, 0 are to be listed',
    (d) => {
      manifest(d, 3).omitted = { 'file-upload': 1 }
      files(d, 3)[0]!.events -= 1
    },
  ],
  [
    'its chain file is said to be longer',
    'has 6 lines, its sources 5 numbers',
    (d) => (files(d, 1).at(-1)!.events += 1),
  ],
  [
    'its chain file is said to be shorter',
    'has 4 lines, its sources 5 numbers',
    (d) => (files(d, 1).at(-1)!.events -= 1),
  ],
  ['a source runs backwards', 'its numbers run from 4 to 3', (d) => (source(d, 3).last = 3)],
  [
    'a chain moves without a number',
    'its chain moved without a number',
    (d) => (source(d, 3, 1).head = 'c'.repeat(64)),
  ],
  [
    'late numbers overlap',
    'its numbers are not in order',
    (d) =>
      (source(d, 2).seqs = [
        [3, 3],
        [3, 4],
      ]),
  ],
  ['late numbers run backwards', 'its numbers are not in order', (d) => (source(d, 2).seqs = [[3, 2]])],
  [
    'late numbers are out of order',
    'its numbers are not in order',
    (d) =>
      (source(d, 2).seqs = [
        [3, 3],
        [1, 1],
      ]),
  ],
  [
    'a number in quarantine is beyond the export',
    'number 4 in quarantine is out of order or not of this',
    (d) => (source(d, 1).quarantined = [4]),
  ],
  [
    'a number in quarantine is before the export',
    'number 3 in quarantine is out of order or not of this',
    (d) => (source(d, 3).quarantined = [3]),
  ],
  [
    'a number is twice in quarantine',
    'number 3 in quarantine is out of order',
    (d) => (source(d, 1).quarantined = [3, 3]),
  ],
  [
    'a number in quarantine is between late ones',
    'number 2 in quarantine is out of order',
    (d) => {
      Object.assign(source(d, 2), {
        seqs: [
          [1, 1],
          [3, 3],
        ],
        quarantined: [2],
      })
    },
  ],
  [
    'quarantine does not explain what is missing',
    'it has 2 numbers, of which 2 are events and 1 in quarantine',
    (d) => (source(d, 3).quarantined = [4]),
  ],
  ['sources are out of order by name', 'is not listed in its place', (d) => void manifest(d, 1).sources.reverse()],
  [
    'a source is listed twice',
    'is not listed in its place',
    (d) => void manifest(d, 3).sources.push({ ...source(d, 3, 1) }),
  ],
  [
    'sources are out of order by epoch',
    'chat-2/1/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb is not listed in its place',
    (d) => {
      manifest(d, 3).sources.splice(1, 0, { ...source(d, 3, 1), epoch: 2 })
    },
  ],
  [
    'sources are out of order by incarnation',
    'chat-2/1/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb is not listed in its place',
    (d) => {
      manifest(d, 3).sources.splice(1, 0, { ...source(d, 3, 1), incarnation: 'c'.repeat(32) })
    },
  ],
  [
    'forks are out of order',
    'chat-1/1 is not listed in its place',
    (d) => {
      const fork = { source: 'chat-1', epoch: 1, incarnation: '', seq: 1, leaf: null, events: 0 }
      manifest(d, 4).forks = [{ ...fork, source: 'chat-2' }, fork]
    },
  ],
]

describe('a manifest that contradicts itself is named when', () => {
  it.each(CONTRADICTIONS)('%s', async (_, message, forge) => {
    const report = await verify({ forge })
    const contradictions = told(report).filter((line) => line.startsWith('manifest-contradiction'))
    expect(contradictions.join('\n')).toContain(message)
  })
})

const removeExport = (all: Files, stem: string) => {
  for (const name of [...all.keys()]) if (name.startsWith(stem)) all.delete(name)
}
const LAST = '20261120T231700Z_20261120T231800Z'
const THIRD = '20261120T231600Z_20261120T231700Z'
const damaged = (name: string, change: (text: string) => string): Damage => {
  return (all) => void all.set(name, Buffer.from(change(all.get(name)!.toString())))
}

/** What is wrong from one export to the next, or between a manifest and its files. */
const FINDINGS: [string, FindingKind, string, Done][] = [
  [
    'a chain line is of another epoch',
    'chain-line',
    'number 6 is due, chat-1/2/',
    { forge: (d) => (lines(d, 4)[0]!.epoch = 2) },
  ],
  [
    'a chain line is of another incarnation',
    'chain-line',
    `number 6 is due, chat-1/1/${'c'.repeat(32)}/6 is there (line 1)`,
    { forge: (d) => (lines(d, 4)[0]!.incarnation = 'c'.repeat(32)) },
  ],
  [
    'a chain line is of another source',
    'chain-line',
    'number 6 is due, chat-3/1/',
    { forge: (d) => (lines(d, 4)[0]!.source = 'chat-3') },
  ],
  [
    'a chain line has another number',
    'chain-line',
    'number 6 is due, chat-1/1/',
    { forge: (d) => (lines(d, 4)[0]!.seq = 7) },
  ],
  [
    'a chain line is missing in the middle',
    'chain-line',
    'number 6 is due, chat-2/1/',
    { forge: (d) => void lines(d, 4).shift() },
  ],
  [
    'a chain line is missing at the end',
    'chain-line',
    'number 4 is due, the file ends',
    { forge: (d) => void lines(d, 4).pop() },
  ],
  [
    'a chain file has a line too many',
    'chain-line',
    '/5 follows the last number of the export (line 4)',
    { forge: (d) => void lines(d, 4).push({ ...lines(d, 4)[2]!, seq: 5 }) },
  ],
  [
    'a chain file ends within a line',
    'chain-line',
    'the file ends within a line',
    { damage: damaged(`${LAST}.chain.txt`, (text) => text.slice(0, -1)) },
  ],
  [
    'a chain file has a line that is none',
    'chain-line',
    'a line that is none',
    { damage: damaged(`${LAST}.chain.txt`, (text) => text.replace('\t', ' ')) },
  ],
  [
    'a chain file calls a number quarantined that the manifest counts',
    'chain-line',
    'do not agree that number 6 is in quarantine',
    { forge: (d) => (lines(d, 4)[0]!.quarantinedHead = source(d, 4).head) },
  ],
  [
    'a manifest calls a number quarantined that the chain file counts',
    'chain-line',
    'do not agree that number 3 is in quarantine',
    { forge: (d) => delete lines(d, 1)[2]!.quarantinedHead },
  ],
  [
    'a text was changed',
    'chain-head',
    'the hashes up to number 6 do not lead to the head',
    { forge: (d) => (lines(d, 4)[0]!.leaf = leafOf('changed')) },
  ],
  [
    'a head was changed',
    'chain-head',
    'the hashes up to number 6 do not lead to the head',
    { forge: (d) => (source(d, 4).head = 'c'.repeat(64)) },
  ],
  [
    'a chain begins elsewhere',
    'chain-head',
    'the chain does not begin with the name of its source',
    { forge: (d) => (source(d, 1).headBefore = 'c'.repeat(64)) },
  ],
  [
    'a chain breaks between two exports',
    'chain-head',
    'the chain broke at or before 5',
    { forge: (d) => (source(d, 4).headBefore = 'c'.repeat(64)) },
  ],
  [
    'a text came out of quarantine changed',
    'chain-head',
    'came out of quarantine as another text',
    { forge: (d) => (lines(d, 2)[0]!.leaf = leafOf('changed')) },
  ],
  [
    'an addendum repeats a number',
    'chain-twice',
    'number 2 is in an earlier export already',
    {
      forge: (d) => {
        source(d, 2).seqs = [[2, 2]]
        lines(d, 2)[0]!.seq = 2
      },
    },
  ],
  [
    'an interval repeats a number',
    'chain-twice',
    'number 3 is in an earlier export already',
    { forge: (d) => Object.assign(source(d, 3), { first: 3, count: 3 }) },
  ],
  [
    'a number is in no export',
    'chain-gap',
    'number 4 is in no export',
    {
      forge: (d) => {
        Object.assign(source(d, 3), { first: 5, count: 1 })
        lines(d, 3).shift()
      },
    },
  ],
  [
    'numbers that came late are not all there',
    'chain-gap',
    'numbers 4 to 5 are in no export',
    {
      forge: (d) => {
        Object.assign(source(d, 2), {
          seqs: [
            [3, 3],
            [6, 6],
          ],
          count: 2,
        })
        lines(d, 2).push({ ...lines(d, 4)[0]! })
        d.splice(2)
      },
    },
  ],
  [
    'a source that was alive is not listed',
    'source-missing',
    'does not list chat-2/1/',
    { forge: (d) => void manifest(d, 3).sources.pop() },
  ],
  ['an export is missing', 'export-missing', 'exports 2 to 3 are missing', { forge: (d) => void d.splice(1, 2) }],
  ['a number is given twice', 'export-twice', 'has number 3, as', { forge: (d) => (manifest(d, 4).number = 3) }],
  [
    'an export follows another manifest',
    'previous-manifest',
    'was sealed after another manifest',
    { forge: (d) => (d[3]!.previous = 'e'.repeat(64)) },
  ],
  [
    'an interval is missing',
    'interval-gap',
    'the interval before it ended at 2026-11-20T23:17:00.000Z',
    {
      forge: (d) =>
        Object.assign(manifest(d, 4).interval, { start: '2026-11-20T23:17:00.001Z', startMs: T0 + 2 * MINUTE + 1 }),
    },
  ],
  [
    'two intervals overlap',
    'interval-gap',
    'the interval before it ended at 2026-11-20T23:17:00.000Z',
    {
      forge: (d) =>
        Object.assign(manifest(d, 4).interval, { start: '2026-11-20T23:16:59.999Z', startMs: T0 + 2 * MINUTE - 1 }),
    },
  ],
  [
    'a file is of another pool',
    'wrong-series',
    'is of contoso, xml',
    { forge: (d) => (manifest(d, 4).pool = 'contoso') },
  ],
  [
    'a file is of another adapter',
    'wrong-series',
    'is of fourth-coffee, full',
    { forge: (d) => (manifest(d, 4).adapter.name = 'full') },
  ],
  [
    'a document is missing',
    'file-missing',
    `${LAST}-0001.xml is missing`,
    { damage: (all) => void all.delete(`${LAST}-0001.xml`) },
  ],
  [
    'a chain file is missing',
    'file-missing',
    `${LAST}.chain.txt is missing`,
    { damage: (all) => void all.delete(`${LAST}.chain.txt`) },
  ],
  [
    'a document is longer',
    'file-size',
    'it was sealed with',
    { damage: damaged(`${LAST}-0001.xml`, (text) => `${text} `) },
  ],
  [
    'a document was altered',
    'file-altered',
    'was altered: its SHA-256 is',
    { damage: damaged(`${LAST}-0001.xml`, (text) => text.replace('shows', 'hides')) },
  ],
  [
    'a document is in no manifest',
    'file-unlisted',
    'is not listed by its manifest',
    { damage: (all) => void all.set(`${LAST}-0002.xml`, Buffer.from('')) },
  ],
  [
    'a manifest is missing',
    'manifest-missing',
    '2 of its files are there',
    { damage: (all) => void all.delete(`${LAST}.manifest.json`) },
  ],
  [
    'a manifest was altered',
    'manifest-altered',
    'was altered',
    { damage: damaged(`${THIRD}.manifest.json`, (text) => text.replace('"chat": 1', '"chat": 2')) },
  ],
  [
    'a source gave numbers out twice',
    'fork',
    'texts in quarantine: 2',
    {
      forge: (d) =>
        (manifest(d, 4).forks = [{ source: 'chat-1', epoch: 1, incarnation: ONE, seq: 2, leaf: null, events: 2 }]),
    },
  ],
]

describe('a series is not good when', () => {
  it.each(FINDINGS)('%s', async (_, what, message, done) => {
    const report = await verify(done)
    expect(
      told(report)
        .filter((line) => line.startsWith(`${what}:`))
        .join('\n'),
    ).toContain(message)
  })

  it('it says so once: a later export of a chain that broke is not named again', async () => {
    const report = await verify({ forge: (d) => (lines(d, 1)[0]!.leaf = leafOf('changed')) })
    expect(told(report)).toHaveLength(1)
  })
})

it('docs/verify.py finds the same in each of them, in the same words', async () => {
  const root = await mkdtemp(join(tmpdir(), 'hansard-series-'))
  try {
    const cases = [...CONTRADICTIONS.map(([, , forge]): Done => ({ forge })), ...FINDINGS.map(([, , , done]) => done)]
    for (const [index, done] of cases.entries()) {
      await mkdir(join(root, `${index}`))
      for (const [name, bytes] of filesOf(done)) await writeFile(join(root, `${index}`, name), bytes)
    }
    const { stdout, stderr } = spawnSync('python3', [VERIFIER, '--json', root], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    })
    expect(stderr).toBe('')
    const { findings } = JSON.parse(stdout) as { findings: Finding[] }

    const said = (all: readonly Finding[]) => all.map(({ what, message }) => `${what}: ${message}`).toSorted()
    for (const [index, done] of cases.entries()) {
      const theirs = said(findings.filter(({ series }) => series === `${index}`))
      expect(theirs, JSON.stringify(index)).toEqual(said((await verify(done)).findings))
    }
  } finally {
    await rm(root, { recursive: true, force: true })
  }
})

describe('what cannot be read is no finding', () => {
  const verifyUnreadable = (unreadable: string[], forge?: Forge) => {
    const drafts = draftSeries()
    forge?.(drafts)
    return verifySeries(directoryOf(sealed(drafts), unreadable))
  }

  it.each(['-0001.xml', '.chain.txt', '.manifest.json'])('an unreadable file: %s', async (end) => {
    const report = await verifyUnreadable([`${LAST}${end}`])
    expect(told(report)).toEqual([])
    expect(report.unreadable.map(({ message }) => message)).toEqual([expect.stringContaining('input/output error')])
  })

  it('and what is missing may be in it', async () => {
    const report = await verifyUnreadable([`${THIRD}.manifest.json`])
    expect(told(report)).toEqual([])
    expect(report.unreadable.map(({ message }) => message).join('\n')).toMatch(/export 3 is missing, or in what could/)
  })
})
