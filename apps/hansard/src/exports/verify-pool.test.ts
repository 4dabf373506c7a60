import { hash } from 'node:crypto'
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newSigningKeys, replaceSigningKey, type SigningKeys, signNote } from '@hansard/signing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportSeries } from './exports-in-test.ts'
import { type SignedPool, signedPool, signPool } from './pool-manifests-in-test.ts'
import { describeReport } from './verify.ts'
import { flipBit, rewrite, verifyWithBoth } from './verify-in-test.ts'

const FIRST = newSigningKeys('hansard/fourth-coffee')
const SECOND = replaceSigningKey(FIRST)
const STRANGER = newSigningKeys('hansard/fourth-coffee')
const keysOf = (number: number): SigningKeys => (number <= 2 ? FIRST : SECOND)
const key = FIRST.signing.verifier

let temporary: string
let sound: SignedPool
let copies = 0
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'hansard-verify-pool-'))
  sound = await signedPool(join(temporary, 'sound'), keysOf)
})
afterAll(() => rm(temporary, { recursive: true }))

async function copy(): Promise<{ root: string; pool: (name: string) => string; stems: readonly string[] }> {
  const root = join(temporary, `copy-${++copies}`)
  await cp(sound.directory, root, { recursive: true })
  return { root, pool: (name) => join(root, 'pool', name), stems: sound.stems }
}
const whatOf = ({ findings }: { findings: readonly { what: string }[] }) => findings.map(({ what }) => what)
async function removeExports(root: string, adapter: string, which: (number: number) => boolean): Promise<void> {
  for (const name of await readdir(join(root, adapter)))
    if (which(Number(name.slice(11, 13)) + 1)) await rm(join(root, adapter, name))
}

describe('a pool whose pool manifests are in order', () => {
  it('is good, says whose key it believed, and what is not signed yet', async () => {
    const embedded = await verifyWithBoth(sound.directory)
    expect(embedded).toMatchObject({ exitCode: 0, trust: 'embedded' })
    expect(embedded.pools).toMatchObject([
      { directory: 'pool', manifests: 4, first: 1, last: 4, treeOf: ['more', 'xml'], unsignedExports: 2 },
    ])
    expect(describeReport(embedded)).toContain('internally consistent only')
    expect(describeReport(embedded)).toContain('NOT SIGNED YET: 2 exports')

    for (const pinned of [FIRST, SECOND]) {
      const report = await verifyWithBoth(sound.directory, { key: pinned.signing.verifier })
      expect(report).toMatchObject({ exitCode: 0, trust: 'pinned' })
      expect(describeReport(report)).toContain('Trust: pinned key.')
    }
  })

  it('may lie below the directory that is verified, and is not verified without its series', async () => {
    const above = join(temporary, 'above')
    await cp(sound.directory, join(above, 'data', 'exports'), { recursive: true })
    expect(await verifyWithBoth(above, { key })).toMatchObject({
      exitCode: 0,
      pools: [{ directory: 'data/exports/pool' }],
    })
    expect(await verifyWithBoth(join(sound.directory, 'pool'))).toMatchObject({ exitCode: 2 })
  })

  it('may begin in the middle when that is said, and only then', async () => {
    const { root, pool, stems } = await copy()
    for (const ending of ['json', 'note', 'checkpoint']) await rm(pool(`${stems[0]}.${ending}`))
    await removeExports(root, 'xml', (number) => number === 1)
    await removeExports(root, 'more', (number) => number === 1)

    expect(await verifyWithBoth(root, { key, from: 2 })).toMatchObject({
      exitCode: 0,
      pools: [{ first: 2, treeOf: [] }],
    })
    expect(whatOf(await verifyWithBoth(root, { key }))).toEqual(['pool-manifest-missing'])
    // What the oldest pool manifest names must be there.
    await removeExports(root, 'xml', (number) => number === 2)
    expect(whatOf(await verifyWithBoth(root, { key, from: 2 }))).toEqual(['series-cut'])
  })
})

describe('what was removed is missed:', () => {
  it('a whole series', async () => {
    const { root } = await copy()
    await rm(join(root, 'more'), { recursive: true })
    expect(await verifyWithBoth(root)).toMatchObject({
      exitCode: 1,
      findings: [{ what: 'series-missing', message: expect.stringContaining('the series more is missing') }],
    })
  })

  it('the newest export, and the newest three', async () => {
    const { root } = await copy()
    await removeExports(root, 'xml', (number) => number > 4)
    expect(await verifyWithBoth(root)).toMatchObject({ exitCode: 0 })
    await removeExports(root, 'xml', (number) => number > 3)
    expect(whatOf(await verifyWithBoth(root))).toEqual(['series-cut'])
    await removeExports(root, 'xml', (number) => number > 2)
    expect(whatOf(await verifyWithBoth(root))).toEqual(['series-cut'])
  })

  it('the first exports', async () => {
    const { root } = await copy()
    await removeExports(root, 'xml', (number) => number < 3)
    expect(whatOf(await verifyWithBoth(root))).toEqual(['series-cut'])
  })

  it.each(['json', 'note', 'checkpoint'])('a file that ends with %s', async (ending) => {
    const { root, pool, stems } = await copy()
    await rm(pool(`${stems[1]}.${ending}`))
    expect(whatOf(await verifyWithBoth(root))).toContain('pool-manifest-missing')
  })

  it('all pool manifests, when a key was named', async () => {
    const { root } = await copy()
    await rm(join(root, 'pool'), { recursive: true })
    expect(await verifyWithBoth(root)).toMatchObject({ exitCode: 0, trust: 'unsigned' })
    expect(whatOf(await verifyWithBoth(root, { key }))).toEqual(['pool-signature'])
  })

  it('the end of everything, when a hash was noted elsewhere', async () => {
    const { root, pool, stems } = await copy()
    const noted = await Promise.all(
      ['json', 'checkpoint'].map(async (ending) =>
        hash('sha256', await readFile(pool(`${stems[3]}.${ending}`)), 'hex'),
      ),
    )
    const exported = hash(
      'sha256',
      await readFile(join(root, 'xml', '20261120T000400Z_20261120T000500Z.manifest.json')),
      'hex',
    )
    for (const expected of [...noted, exported])
      expect(await verifyWithBoth(root, { expect: expected })).toMatchObject({ exitCode: 0 })

    for (const adapter of ['xml', 'more']) await removeExports(root, adapter, (number) => number > 3)
    for (const ending of ['json', 'note', 'checkpoint']) await rm(pool(`${stems[3]}.${ending}`))
    // Without the hash nothing is wrong with it.
    expect(await verifyWithBoth(root, { key: SECOND.signing.verifier })).toMatchObject({ exitCode: 0 })
    for (const expected of [...noted, exported])
      expect(whatOf(await verifyWithBoth(root, { expect: expected }))).toEqual(['end-missing'])
  })
})

it('says MISSING, MISMATCH and UNREADABLE of what each of them is', async () => {
  const { root, pool, stems } = await copy()
  await rm(join(root, 'more'), { recursive: true })
  await rewrite(pool(`${stems[1]}.note`), (text) => text.replace('hansard-pool', 'hansard-pond'))
  await rm(pool(`${stems[2]}.json`))
  await mkdir(pool(`${stems[2]}.json`))
  const told = describeReport(await verifyWithBoth(root))
  expect(told).toMatch(/^MISMATCH {4}pool: .*\.note does not have a valid signature$/m)
  expect(told).toMatch(/^MISSING {5}pool: the series more is missing/m)
  expect(told).toMatch(/^UNREADABLE {2}pool: .*: it is not a regular file$/m)
})

describe('what was forged is found:', () => {
  it('exports and hashes made anew, without a key', async () => {
    const { root } = await copy()
    await rm(join(root, 'xml'), { recursive: true })
    const series = await exportSeries(join(root, 'xml'))
    for (const through of [3, 7, 7, 10, 13]) await series.interval({ 'chat-1/1': { through } })
    expect(await verifyWithBoth(join(root, 'xml'))).toMatchObject({ exitCode: 0 })
    const found = new Set(whatOf(await verifyWithBoth(root)))
    expect(found).toEqual(new Set(['series-altered', 'pool-tree']))
  })

  it('everything made anew with another key, when a key was named', async () => {
    const { root } = await copy()
    await rm(join(root, 'pool'), { recursive: true })
    await signPool(root, ['more', 'xml'], () => STRANGER)
    expect(await verifyWithBoth(root)).toMatchObject({ exitCode: 0, trust: 'embedded' })
    expect(new Set(whatOf(await verifyWithBoth(root, { key })))).toEqual(new Set(['pool-signature']))
  })

  it('the newest pool manifests made with a key that was replaced', async () => {
    const { root } = await copy()
    await signPool(root, ['more', 'xml'], () => FIRST)
    // Anybody who names the old key cannot know; anybody who names the new one does.
    expect(await verifyWithBoth(root, { key })).toMatchObject({ exitCode: 0 })
    expect(whatOf(await verifyWithBoth(root, { key: SECOND.signing.verifier }))).toEqual(['pool-signature'])
  })

  it('a succession that the old key has not signed', async () => {
    const { root, pool } = await copy()
    const usurped = (number: number) => (number <= 2 ? FIRST : STRANGER)
    await signPool(root, ['more', 'xml'], usurped)
    const text = (await readFile(pool(`keys/${SECOND.signing.verifier.id}.succession`), 'utf8')).split('\n\n')[0]!
    const stranger = (await readFile(pool(`keys/${STRANGER.signing.verifier.id}.pub`), 'utf8')).trimEnd()
    const claimed = `${text.split('\n').slice(0, 2).join('\n')}\n${stranger}\n`
    await writeFile(pool(`keys/${STRANGER.signing.verifier.id}.succession`), signNote(claimed, STRANGER.signing))
    expect(whatOf(await verifyWithBoth(root))).toEqual(['pool-signature', 'pool-signature'])
  })

  it('a tree that is not the one over the events', async () => {
    const { root } = await copy()
    await signPool(root, ['more', 'xml'], keysOf, ({ number, tree }) => {
      if (number === 3) tree.root = Buffer.alloc(32, 7).toString('base64')
    })
    const found = whatOf(await verifyWithBoth(root))
    expect(found).toEqual(['pool-tree', 'pool-tree', 'pool-tree'])
  })

  it('pool manifests that do not follow each other', async () => {
    const { root } = await copy()
    await signPool(root, ['more', 'xml'], keysOf, (manifest) => {
      if (manifest.number === 3) manifest.previousPoolManifestSha256 = '0'.repeat(64)
    })
    expect(whatOf(await verifyWithBoth(root))).toEqual(['pool-manifest-chain'])
  })

  it.each([
    ['a record was cut off', { number: 6, head: 'b'.repeat(64) }],
    ['its newest record was rewritten', { number: 7, head: 'b'.repeat(64) }],
    ['it is not named any more', undefined],
  ])('an audit trail of which %s', async (_, audit) => {
    const { root } = await copy()
    const signed = (fourth: typeof audit) =>
      signPool(root, ['more', 'xml'], keysOf, (manifest) => {
        const third = { number: 7, head: 'a'.repeat(64) }
        const named = manifest.number === 3 ? third : manifest.number === 4 ? fourth : undefined
        if (named) manifest.audit = named
      })
    await signed({ number: 8, head: 'c'.repeat(64) })
    expect(await verifyWithBoth(root)).toMatchObject({ exitCode: 0 })

    await signed(audit)

    expect(whatOf(await verifyWithBoth(root))).toEqual(['audit-trail'])
  })

  it('a series that no pool manifest names, and an export beyond the signed ones', async () => {
    const { root } = await copy()
    const series = await exportSeries(join(root, 'extra'), { adapter: 'extra' })
    await series.interval({ 'chat-1/1': { through: 3 } })
    expect(whatOf(await verifyWithBoth(root))).toEqual(['series-unknown'])
    await rm(join(root, 'extra'), { recursive: true })

    await signPool(root, ['more', 'xml'], keysOf, ({ number, series: [, xml] }) => {
      if (number < 4) return
      xml!.number = 3
      xml!.manifest = '20261120T000200Z_20261120T000300Z.manifest.json'
    })
    expect(whatOf(await verifyWithBoth(root))).toContain('series-unknown')
  })

  it.each(['json', 'note', 'checkpoint'])('any bit of a file that ends with %s', async (ending) => {
    const { root, pool, stems } = await copy()
    const path = pool(`${stems[3]}.${ending}`)
    const bits = (await readFile(path)).length * 8
    for (let bit = 0; bit < bits; bit += Math.ceil(bits / 7) | 1) {
      await flipBit(path, bit)
      const report = await verifyWithBoth(root, { key })
      expect([bit, report.exitCode]).not.toEqual([bit, 0])
      await flipBit(path, bit)
    }
    await appendFile(path, '\n')
    expect(await verifyWithBoth(root, { key })).toMatchObject({ exitCode: 1 })
  })

  it('a pool manifest of which a word was changed', async () => {
    const { root, pool, stems } = await copy()
    await rewrite(pool(`${stems[3]}.json`), (text) => text.replace('"state": "active"', '"state": "ended"'))
    expect(whatOf(await verifyWithBoth(root, { key }))).toEqual(['pool-manifest-altered'])
  })

  it('a pool manifest under another name, and one that is written another way', async () => {
    const { root, pool, stems } = await copy()
    await rename(pool(`${stems[3]}.json`), pool(`${stems[3]}.json`.replace('000400Z', '000500Z')))
    expect(whatOf(await verifyWithBoth(root))).toContain('pool-manifest-altered')
    const other = await copy()
    await rewrite(other.pool(`${stems[3]}.json`), (text) => text.replace('\n', ' \n'))
    expect(whatOf(await verifyWithBoth(other.root))).toContain('pool-manifest-altered')
  })
})

describe('what cannot be read is not called broken:', () => {
  it('a pool manifest of a later format', async () => {
    const { root, pool, stems } = await copy()
    await rewrite(pool(`${stems[3]}.json`), (text) => text.replace('manifest/1', 'manifest/2'))
    expect(await verifyWithBoth(root)).toMatchObject({ exitCode: 2 })
  })

  it('a series that is kept in another directory', async () => {
    const { root } = await copy()
    await signPool(root, ['more', 'xml'], keysOf, ({ series: [more] }) => {
      more!.directory = '/srv/more'
    })
    expect(await verifyWithBoth(root)).toMatchObject({ exitCode: 0 })
    await rm(join(root, 'more'), { recursive: true })
    expect(await verifyWithBoth(root)).toMatchObject({ exitCode: 2 })
  })
})
