import { type Draft, draftSeries, sealed } from './series-in-test.ts'

export type Files = Map<string, Buffer>
/** Changes the exports before anybody who forges them computes the hashes again. */
export type Forge = (drafts: Draft[]) => void
/** Changes what lies in the directory. */
export type Damage = (files: Files) => void

export type Done = { forge?: Forge; damage?: Damage }

export function filesOf({ forge, damage }: Done): Files {
  const drafts = draftSeries()
  forge?.(drafts)
  const files = sealed(drafts)
  damage?.(files)
  return files
}

/** A part of an export's sources; the kinds of manifest differ only in what a source has. */
// biome-ignore lint/suspicious/noExplicitAny: a forger keeps to no type.
export const source = (drafts: Draft[], number: number, index = 0): any => drafts[number - 1]!.manifest.sources[index]
export const manifest = (drafts: Draft[], number: number) => drafts[number - 1]!.manifest
const files = (drafts: Draft[], number: number) => manifest(drafts, number).files
export const lines = (drafts: Draft[], number: number) => drafts[number - 1]!.lines

/** What a manifest says that cannot be so, although every hash is right. */
export const CONTRADICTIONS: [string, string, Forge][] = [
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
