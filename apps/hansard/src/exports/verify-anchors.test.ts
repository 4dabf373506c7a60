import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  formatCheckpoint,
  leafHash,
  newSigningKeys,
  replaceSigningKey,
  type SigningKeys,
  signNote,
} from '@hansard/signing'
import { startTimeStampAuthority, type TimeStampAuthority } from '@hansard/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SignedPool, signedPool, signPool } from './pool-manifests-in-test.ts'
import { describeReport } from './verify.ts'
import { flipBit, rewrite, verifyWithBoth } from './verify-in-test.ts'

const FIRST = newSigningKeys('hansard/fourth-coffee')
const SECOND = replaceSigningKey(FIRST)
const keysOf = (number: number): SigningKeys => (number <= 2 ? FIRST : SECOND)
const key = FIRST.signing.verifier
const at = (minute: number) => Date.UTC(2026, 10, 20, 0, minute)

let temporary: string
let sound: SignedPool
let copies = 0
let authority: TimeStampAuthority
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'hansard-verify-anchors-'))
  sound = await signedPool(join(temporary, 'sound'), keysOf)
  authority = await startTimeStampAuthority()
})
afterAll(async () => {
  await authority[Symbol.asyncDispose]()
  await rm(temporary, { recursive: true })
})

/** A package of its own, and a directory with what an anchor was given of these intervals. */
async function copy({ anchored = [1, 2, 3, 4], endings = ['note', 'checkpoint'] } = {}) {
  const root = join(temporary, `copy-${++copies}`)
  const anchors = join(temporary, `anchors-${copies}`)
  await cp(sound.directory, root, { recursive: true })
  await mkdir(anchors)
  const pool = (name: string) => join(root, 'pool', name)
  for (const number of anchored)
    for (const ending of endings) {
      const name = `${sound.stems[number - 1]}.${ending}`
      await cp(pool(name), join(anchors, name))
    }
  return { root, anchors, pool, stems: sound.stems }
}
const whatOf = ({ findings }: { findings: readonly { what: string }[] }) => findings.map(({ what }) => what)
/** All series and pool manifests after interval `last` are gone, without a trace. */
async function cutOff(root: string, last: number): Promise<void> {
  for (const adapter of ['xml', 'more'])
    for (const name of await readdir(join(root, adapter)))
      if (Number(name.slice(11, 13)) + 1 > last) await rm(join(root, adapter, name))
  for (const name of await readdir(join(root, 'pool')))
    if (name.startsWith('pool-') && Number(name.slice(16, 18)) + 1 > last) await rm(join(root, 'pool', name))
}

describe('with what an anchor has kept', () => {
  it('a package that has all of it is good, and the report says how far it was compared', async () => {
    const { root, anchors, stems } = await copy({ anchored: [2, 4] })
    const report = await verifyWithBoth(root, { key, anchors })
    expect(report).toMatchObject({ exitCode: 0, pools: [{ anchors: { files: 4, newest: `${stems[3]}.json` } }] })
    expect(describeReport(report)).toContain(`anchored  4 files, up to ${stems[3]}.json`)
    expect(await verifyWithBoth(root, { anchors })).toMatchObject({ exitCode: 0, trust: 'embedded' })
    // What the pool has sealed since is not at the anchor yet.
    const older = await copy({ anchored: [1] })
    expect(await verifyWithBoth(older.root, older)).toMatchObject({
      exitCode: 0,
      pools: [{ anchors: { newest: `${stems[0]}.json` } }],
    })
  })

  it.each([['note'], ['checkpoint']])('a cut-off end is found by the .%s alone', async (ending) => {
    const { root, anchors, stems } = await copy({ endings: [ending] })
    await cutOff(root, 2)
    // Without the anchor nothing is wrong with it.
    expect(await verifyWithBoth(root, { key })).toMatchObject({ exitCode: 0 })
    expect(await verifyWithBoth(root, { key, anchors })).toMatchObject({
      exitCode: 1,
      findings: [
        {
          what: 'end-cut',
          message: expect.stringMatching(
            new RegExp(`^the end is cut off: ${stems[3]}.* was anchored, and the newest .* here is ${stems[1]}.json$`),
          ),
        },
      ],
    })
  })

  it('a cut-off end of intervals in which nothing was said is found by the note', async () => {
    const { root, anchors } = await copy({ anchored: [3] })
    await cutOff(root, 2)
    // Interval 3 has the tree of interval 2: its checkpoint is the same text.
    expect(whatOf(await verifyWithBoth(root, { anchors }))).toEqual(['end-cut'])
    const checkpoints = await copy({ anchored: [3], endings: ['checkpoint'] })
    await cutOff(checkpoints.root, 2)
    expect(whatOf(await verifyWithBoth(checkpoints.root, checkpoints))).toEqual([])
  })

  it('a package without any pool manifest is cut off', async () => {
    const { root, anchors } = await copy()
    await rm(join(root, 'pool'), { recursive: true })
    expect(whatOf(await verifyWithBoth(root, { anchors }))).toEqual(['end-cut'])
  })

  it.each([['note'], ['checkpoint']])('history that the key’s owner wrote anew is found by the .%s', async (ending) => {
    const { root, anchors, stems } = await copy({ endings: [ending] })
    await rm(join(root, 'pool'), { recursive: true })
    await signPool(root, ['more', 'xml'], keysOf, (manifest) => {
      if (manifest.number !== 4) return
      manifest.tree.root = Buffer.from(leafHash('another')).toString('base64')
    })
    const findings = (await verifyWithBoth(root, { key, anchors })).findings.filter(
      ({ what }) => what === 'history-rewritten',
    )
    expect(findings).toHaveLength(1)
    expect(findings[0]!.message).toContain(`history was rewritten: ${stems[3]}`)
  })

  it('a checkpoint of another tree of the same size, or of a size that no pool manifest has, was rewritten', async () => {
    for (const [size, expected] of [
      [9, 'history-rewritten'],
      [10, 'history-rewritten'],
      [99, 'end-cut'],
    ] as const) {
      const { root, anchors } = await copy({ anchored: [] })
      const text = formatCheckpoint({ origin: 'hansard/fourth-coffee', size, root: leafHash('x') })
      await writeFile(join(anchors, 'from-a-mail.checkpoint'), signNote(text, SECOND.signing))
      expect([size, whatOf(await verifyWithBoth(root, { anchors }))]).toEqual([size, [expected]])
    }
  })

  it('a file with a flipped bit, or with a key that nobody trusts, is not believed', async () => {
    const { root, anchors, stems } = await copy({ anchored: [1] })
    await flipBit(join(anchors, `${stems[0]}.note`), 8 * 30)
    expect(whatOf(await verifyWithBoth(root, { anchors }))).toEqual(['anchor-signature'])
    const stranger = newSigningKeys('hansard/fourth-coffee').signing
    await writeFile(join(anchors, `${stems[0]}.note`), signNote('size 7\n', stranger))
    expect(whatOf(await verifyWithBoth(root, { anchors }))).toEqual(['anchor-signature'])
  })

  it('nothing is good when the anchor has nothing of this pool, or cannot be read', async () => {
    const { root, anchors } = await copy({ anchored: [] })
    expect(await verifyWithBoth(root, { anchors })).toMatchObject({ exitCode: 2, findings: [] })
    const other = newSigningKeys('hansard/litware').signing
    await writeFile(join(anchors, 'pool-20261120T000000Z_20261120T000100Z.note'), signNote('of another pool\n', other))
    expect(await verifyWithBoth(root, { anchors })).toMatchObject({ exitCode: 2, findings: [] })
    expect(await verifyWithBoth(root, { anchors: join(anchors, 'nowhere') })).toMatchObject({ exitCode: 2 })
  })

  it('what could not be read is not called cut off', async () => {
    const { root, anchors, pool, stems } = await copy()
    await rewrite(pool(`${stems[3]}.json`), (text) => text.replace('manifest/1', 'manifest/2'))
    expect(await verifyWithBoth(root, { anchors })).toMatchObject({ exitCode: 2, findings: [] })
  })

  it('intervals before the first one here are not missed when that was said', async () => {
    const { root, anchors, pool, stems } = await copy()
    for (const ending of ['json', 'note', 'checkpoint']) await rm(pool(`${stems[0]}.${ending}`))
    expect(await verifyWithBoth(root, { anchors, key, from: 2 })).toMatchObject({ exitCode: 0 })
    expect(whatOf(await verifyWithBoth(root, { anchors, key }))).toEqual(['pool-manifest-missing'])
  })
})

it('openssl is asked once about each signature, though anchors have the same files', async () => {
  const bin = join(temporary, 'bin')
  const asked = join(temporary, 'asked')
  const real = String(execFileSync('sh', ['-c', 'command -v openssl'])).trim()
  await mkdir(bin)
  await writeFile(join(bin, 'openssl'), `#!/bin/sh\necho >> ${asked}\nexec ${real} "$@"\n`, { mode: 0o755 })
  const { root, anchors } = await copy()
  await rm(join(root, 'pool'), { recursive: true })
  await signPool(root, ['more', 'xml'], () => FIRST)
  await cp(join(root, 'pool'), anchors, { recursive: true, force: true })
  const verifier = fileURLToPath(new URL('../../../../docs/verify.py', import.meta.url))
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` }
  execFileSync('python3', [verifier, '--anchors', anchors, root], { env })
  // Four notes and three checkpoints: interval 3 has the tree of interval 2.
  expect(await readFile(asked, 'utf8')).toBe('\n'.repeat(7))
})

describe('a time that was asked for', () => {
  it('is covered by what is here, or what is missing is named', async () => {
    const { root } = await copy()
    expect(await verifyWithBoth(root, { since: at(1), until: at(4) })).toMatchObject({ exitCode: 0 })
    // Before the first interval there was nothing.
    expect(await verifyWithBoth(root, { since: at(-60) })).toMatchObject({ exitCode: 0 })
    expect(await verifyWithBoth(root, { until: at(4) + 1 })).toMatchObject({
      exitCode: 1,
      findings: [
        { what: 'range-missing', series: 'pool', message: expect.stringContaining('before 2026-11-20T00:04:00.001Z') },
      ],
    })
  })

  it('allows the absence of what came before it, and of nothing else', async () => {
    const { root, pool, stems } = await copy()
    for (const stem of stems.slice(0, 2))
      for (const ending of ['json', 'note', 'checkpoint']) await rm(pool(`${stem}.${ending}`))
    expect(await verifyWithBoth(root, { key, since: at(2) })).toMatchObject({ exitCode: 0, pools: [{ first: 3 }] })
    expect(whatOf(await verifyWithBoth(root, { key, since: at(2) - 1 }))).toEqual(['range-missing'])
    expect(whatOf(await verifyWithBoth(root, { key }))).toEqual(['pool-manifest-missing'])
  })

  it('is compared with each series where nothing is signed', async () => {
    const { root } = await copy()
    await rm(join(root, 'pool'), { recursive: true })
    await rm(join(root, 'more'), { recursive: true })
    expect(await verifyWithBoth(root, { since: at(-1), until: at(5) })).toMatchObject({ exitCode: 0 })
    expect(whatOf(await verifyWithBoth(root, { until: at(6) }))).toEqual(['range-missing'])
    for (const name of await readdir(join(root, 'xml')))
      if (name.includes('T000000Z_')) await rm(join(root, 'xml', name))
    expect(await verifyWithBoth(root, { since: at(1) })).toMatchObject({ exitCode: 0 })
    expect(whatOf(await verifyWithBoth(root, { since: at(1) - 1 }))).toEqual(['range-missing'])
  })
})

describe('time stamps beside the checkpoints', () => {
  async function stamped() {
    const made = await copy({ anchored: [] })
    for (const stem of made.stems)
      await writeFile(made.pool(`${stem}.tsr`), authority.stamp(await readFile(made.pool(`${stem}.checkpoint`))))
    return { ...made, tsaCa: authority.caFile }
  }

  it('are counted; with the certificate of the authority they are checked, and the time is told', async () => {
    const { root, stems, tsaCa } = await stamped()
    const counted = await verifyWithBoth(root)
    expect(counted).toMatchObject({ exitCode: 0, pools: [{ timeStamps: { present: 4, verified: 0, newest: null } }] })
    expect(describeReport(counted)).toContain('4 time stamps, not checked')
    const checked = await verifyWithBoth(root, { tsaCa })
    const today = new Date().toISOString().slice(0, 10)
    expect(checked).toMatchObject({
      exitCode: 0,
      pools: [{ timeStamps: { verified: 4, newest: { file: `${stems[3]}.tsr`, at: expect.stringContaining(today) } } }],
    })
    const { timeStamps } = checked.pools[0]!
    expect(describeReport(checked)).toContain(`4 of 4 time stamps good, the newest at ${timeStamps.newest!.at}`)
    // The first interval ended at one minute past midnight of the 20th.
    expect(timeStamps.lagMsMax! + at(1)).toBeGreaterThan(Date.now() - 600_000)
  })

  it('of something else, of another authority, or with a flipped bit are findings', async () => {
    const { root, pool, stems, tsaCa } = await stamped()
    await writeFile(pool(`${stems[0]}.tsr`), authority.stamp(Buffer.from('another text')))
    expect(await verifyWithBoth(root, { tsaCa })).toMatchObject({
      exitCode: 1,
      findings: [{ what: 'time-stamp', file: `${stems[0]}.tsr` }],
      pools: [{ timeStamps: { present: 4, verified: 3 } }],
    })
    await using other = await startTimeStampAuthority()
    expect(whatOf(await verifyWithBoth(root, { tsaCa: other.caFile }))).toEqual(Array(4).fill('time-stamp'))
    const bytes = await readFile(pool(`${stems[1]}.tsr`))
    await flipBit(pool(`${stems[1]}.tsr`), 8 * (bytes.length - 4))
    expect(whatOf(await verifyWithBoth(root, { tsaCa }))).toEqual(['time-stamp', 'time-stamp'])
  })

  it('show a cut-off end when they were left behind', async () => {
    const { root, pool, stems } = await stamped()
    const left = await readFile(pool(`${stems[3]}.tsr`))
    await cutOff(root, 3)
    await writeFile(pool(`${stems[3]}.tsr`), left)
    expect(whatOf(await verifyWithBoth(root))).toEqual(['pool-manifest-missing'])
  })
})
