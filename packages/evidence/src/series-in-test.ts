import { createHash } from 'node:crypto'
import { genesisHead, leafOf, nextHead } from '@hansard/compliance-event'
import { chainLine } from './chain-line.ts'
import { emptyCounts, encodeManifest, MANIFEST_FORMAT, type Manifest, manifestInterval } from './manifest.ts'
import { type EvidenceDirectory, FileMissing } from './read-evidence.ts'

export const MINUTE = 60_000
export const T0 = Date.UTC(2026, 10, 20, 23, 15)
export const ONE = 'a'.repeat(32)
const TWO = 'b'.repeat(32)

type Mutable<T> = T extends readonly (infer E)[]
  ? Mutable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T
type Line = Mutable<Parameters<typeof chainLine>[0]>
type Interval = Mutable<Extract<Manifest, { kind: 'interval' }>>
type Addendum = Mutable<Extract<Manifest, { kind: 'addendum' }>>

/** An export before it is sealed: anybody who forges one can change all of this and compute every hash again. */
export type Draft = {
  stem: string
  lines: Line[]
  manifest: Interval | Addendum
  /** set when the export is sealed, unless a test has set it */
  previous?: string | null
}

/**
 * Four exports of two sources. Number 3 of `chat-1` was in quarantine when its interval was sealed, and came out of it
 * in an addendum; in the third `chat-2` has nothing; in the last `chat-2` ends, and both joins are left out.
 */
export function draftSeries(): Draft[] {
  const chains = { one: chainOf('chat-1', ONE, 6), two: chainOf('chat-2', TWO, 4) }
  const { one, two } = chains
  const kept = { ...one.lines[2]!, quarantinedHead: one.heads[3]! }
  return [
    {
      stem: '20261120T231500Z_20261120T231600Z',
      lines: [one.lines[0]!, one.lines[1]!, kept, two.lines[0]!, two.lines[1]!],
      manifest: draft(1, [document('20261120T231500Z_20261120T231600Z', 4)], {
        kind: 'interval',
        sources: [part(one, { first: 1, last: 3, quarantined: [3] }), part(two, { first: 1, last: 2 })],
        counts: { ...emptyCounts(), chat: 4, total: 4 },
      }),
    },
    {
      stem: '20261120T231500Z_20261120T231600Z_addendum-2',
      lines: [one.lines[2]!],
      manifest: draft(2, [document('20261120T231500Z_20261120T231600Z_addendum-2', 1)], {
        kind: 'addendum',
        sources: [{ source: 'chat-1', epoch: 1, incarnation: ONE, seqs: [[3, 3]], count: 1, quarantined: [] }],
        counts: { ...emptyCounts(), chat: 1, total: 1 },
      }),
    },
    {
      stem: '20261120T231600Z_20261120T231700Z',
      lines: [one.lines[3]!, one.lines[4]!],
      manifest: draft(
        3,
        [document('20261120T231600Z_20261120T231700Z', 2), attachments('20261120T231600Z_20261120T231700Z', 1)],
        {
          kind: 'interval',
          interval: manifestInterval({ startsAt: T0 + MINUTE, endsAt: T0 + 2 * MINUTE }),
          options: { createFileAttachmentsManifest: true },
          sources: [part(one, { first: 4, last: 5 }), part(two, { first: 0, last: 2 })],
          counts: { ...emptyCounts(), chat: 1, 'file-upload': 1, total: 2 },
        },
      ),
    },
    {
      stem: '20261120T231700Z_20261120T231800Z',
      lines: [one.lines[5]!, two.lines[2]!, two.lines[3]!],
      manifest: draft(4, [document('20261120T231700Z_20261120T231800Z', 1)], {
        kind: 'interval',
        interval: manifestInterval({ startsAt: T0 + 2 * MINUTE, endsAt: T0 + 3 * MINUTE }),
        sources: [part(one, { first: 6, last: 6 }), { ...part(two, { first: 3, last: 4 }), state: 'stopped' }],
        counts: { ...emptyCounts(), chat: 1, join: 2, total: 3 },
        omitted: { join: 2 },
      }),
    },
  ]
}

/** Computes what anybody who has the whole directory can compute: hashes, sizes, the links between the manifests. */
export function sealed(drafts: readonly Draft[]): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  let newest: string | null = null
  for (const { stem, lines, manifest, previous = newest } of drafts) {
    files.set(`${stem}.chain.txt`, Buffer.from(lines.map(chainLine).join('')))
    for (const file of manifest.files) {
      if (!files.has(file.name)) files.set(file.name, Buffer.from(`what ${file.name} shows\n`))
      const bytes = files.get(file.name)!
      file.size = bytes.length
      file.sha256 = sha256(bytes)
    }
    const text = encodeManifest({ ...manifest, previousManifestSha256: previous } as Manifest)
    newest = sha256(text)
    files.set(`${stem}.manifest.json`, Buffer.from(text))
  }
  return files
}

export function directoryOf(files: ReadonlyMap<string, Buffer>, unreadable: readonly string[] = []): EvidenceDirectory {
  return {
    name: '.',
    files: [...files.keys()],
    async *read(file) {
      const bytes = files.get(file)
      if (!bytes) throw new FileMissing(file)
      if (unreadable.includes(file)) throw new Error('input/output error')
      // In pieces, so that lines are cut in the middle.
      for (let from = 0; from < bytes.length; from += 50) yield bytes.subarray(from, from + 50)
    },
  }
}

type Chain = { source: string; incarnation: string; lines: Line[]; heads: string[] }

function chainOf(source: string, incarnation: string, events: number): Chain {
  const heads = [genesisHead(source, 1, incarnation)]
  const lines: Line[] = []
  for (let seq = 1; seq <= events; seq++) {
    const leaf = leafOf(`text ${seq} of ${source}`)
    heads.push(nextHead(heads.at(-1)!, leaf))
    lines.push({ source, epoch: 1, incarnation, seq, leaf })
  }
  return { source, incarnation, lines, heads }
}

function part(
  chain: Chain,
  { first, last, quarantined = [] }: { first: number; last: number; quarantined?: number[] },
) {
  const { source, incarnation, heads } = chain
  const numbers = first === 0 ? 0 : last - first + 1
  const headBefore = heads[first === 0 ? last : first - 1]!
  const count = numbers - quarantined.length
  const state = 'alive' as const
  return { source, epoch: 1, incarnation, state, first, last, count, headBefore, head: heads[last]!, quarantined }
}

type File = Mutable<Manifest['files'][number]>
const document = (stem: string, events: number): File => file(`${stem}-0001.xml`, 'document', events)
const attachments = (stem: string, events: number): File => file(`${stem}-0001.xml.ATTACH`, 'attachments', events)
const file = (name: string, role: File['role'], events: number): File => ({ name, role, size: 0, sha256: '', events })

function draft(number: number, files: File[], more: Partial<Interval> | Partial<Addendum>): Interval | Addendum {
  const { name } = files[0]!
  const quarantined = more.sources!.reduce((sum, { quarantined }) => sum + quarantined.length, 0)
  const chain = file(name.replace('-0001.xml', '.chain.txt'), 'chain', more.counts!.total + quarantined)
  return {
    format: MANIFEST_FORMAT,
    pool: 'fourth-coffee',
    adapter: {
      ...{ name: 'xml', type: 'xml', profile: 'strict-2013', version: '1', engine: 'libxslt' },
      stylesheetSha256: 'f'.repeat(64),
    },
    options: {},
    number,
    interval: manifestInterval({ startsAt: T0, endsAt: T0 + MINUTE }),
    files: [...files, chain],
    omitted: {},
    pages: [],
    forks: [],
    previousManifestSha256: null,
    ...more,
  } as Interval | Addendum
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
