import { leafOf } from '@hansard/compliance-event'
import type { FindingKind } from './findings.ts'
import { type Damage, type Done, type Files, lines, manifest, source } from './forged-series-in-test.ts'
import { MINUTE, ONE, T0 } from './series-in-test.ts'

export const removeExport = (all: Files, stem: string) => {
  for (const name of [...all.keys()]) if (name.startsWith(stem)) all.delete(name)
}
export const LAST = '20261120T231700Z_20261120T231800Z'
export const THIRD = '20261120T231600Z_20261120T231700Z'
const damaged = (name: string, change: (text: string) => string): Damage => {
  return (all) => void all.set(name, Buffer.from(change(all.get(name)!.toString())))
}

/** What is wrong from one export to the next, or between a manifest and its files. */
export const FINDINGS: [string, FindingKind, string, Done][] = [
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
