import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { leafOf } from '@hansard/compliance-event'
import { describe, expect, it } from 'vitest'
import { FINDINGS, LAST, removeExport, THIRD } from './broken-series-in-test.ts'
import type { Finding, SeriesReport } from './findings.ts'
import { CONTRADICTIONS, type Done, type Forge, filesOf, lines } from './forged-series-in-test.ts'
import { directoryOf, draftSeries, MINUTE, ONE, sealed, T0 } from './series-in-test.ts'
import { verifySeries } from './verify-series.ts'

const VERIFIER = join(import.meta.dirname, '../../../docs/verify.py')

const verify = (done: Done = {}): Promise<SeriesReport> => verifySeries(directoryOf(filesOf(done)))
const told = ({ findings }: SeriesReport) => findings.map(({ what, message }) => `${what}: ${message}`)

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

describe('a manifest that contradicts itself is named when', () => {
  it.each(CONTRADICTIONS)('%s', async (_, message, forge) => {
    const report = await verify({ forge })
    const contradictions = told(report).filter((line) => line.startsWith('manifest-contradiction'))
    expect(contradictions.join('\n')).toContain(message)
  })
})
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
