import { copyFile, cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FindingKind } from '@hansard/evidence'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportSeries, forge, type SealedExport } from './exports-in-test.ts'
import { describeReport, type VerifyReport } from './verify.ts'
import { flipBit, reseal, rewrite, soundSeries, verifyWithBoth } from './verify-in-test.ts'

let temporary: string
let sound: string
let exports: SealedExport[]

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'hansard-mutations-'))
  sound = join(temporary, 'sound')
  exports = await soundSeries(sound)
})
afterAll(() => rm(temporary, { recursive: true }))

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
    change: (at) => rewrite(at(exports[0]!.chain), (text) => text.replace(/(1\t-\t4\t)./, '$1x').replace('\tx', '\t0')),
    finds: ['chain-head', 'file-altered'],
    says: ['chat-1/1', 'up to number 6'],
  },
  {
    name: 'a line removed from a chain file',
    change: (at) => rewrite(at(exports[0]!.chain), (text) => text.replace(/chat-1\t1\t-\t4\t.*\n/, '')),
    finds: ['chain-line', 'file-size'],
    says: ['chat-1/1: number 4 is due, chat-1/1/5 is there (line 7)'],
  },
  {
    name: 'the last line removed from a chain file',
    change: (at) => rewrite(at(exports[0]!.chain), (text) => text.replace(/chat-1\t1\t-\t6\t.*\n/, '')),
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
    change: (at) => rewrite(at(exports[0]!.chain), (text) => text.replace(/(chat-1\t1\t-\t4\t.*\n)(.*\n)/, '$2$1')),
    finds: ['chain-line', 'file-altered'],
    says: ['number 4 is due, chat-1/1/5 is there'],
  },
  {
    name: 'a line repeated in a chain file',
    change: (at) => rewrite(at(exports[0]!.chain), (text) => text.replace(/(chat-1\t1\t-\t6\t.*\n)/, '$1$1')),
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
        text.replace(/(chat-1\t1\t-\t8\t)[0-9a-f]{64}/, `$1${'d'.repeat(64)}`),
      )
      await reseal(directory, exports[3]!)
    },
    finds: ['chain-head', 'previous-manifest'],
    says: ['chat-1/1: number 8 came out of quarantine as another text than was accepted'],
  },
  {
    name: 'an event in an addendum that is in an earlier export',
    change: async (at, directory) => {
      await rewrite(at(exports[3]!.chain), (text) => text.replace('chat-1\t1\t-\t8\t', 'chat-1\t1\t-\t7\t'))
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
    expect(describeReport(report)).toContain('MISMATCH    mutation-0: 20261120T000200Z_20261120T000300Z-0002.xml')
  })

  it('any flipped bit, anywhere', async () => {
    const files = (await readdir(sound)).filter((name) => !name.startsWith('.'))
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
    const files = (await readdir(sound)).filter((name) => !name.startsWith('.'))
    for (const [index, file] of files.entries()) {
      const copy = join(removals, `removal-${index}`)
      await cp(sound, copy, { recursive: true })
      await rm(join(copy, file))
    }
    const { findings } = await verifyWithBoth(removals)
    expect(new Set(findings.map(({ series }) => series))).toEqual(new Set(await readdir(removals)))
  })
})
