import { execFile, execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSigningKeys, replaceSigningKey } from '@hansard/signing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_ADAPTERS } from './adapter-settings.ts'
import { replaceSigningKeyFile } from './signing-key-file.ts'
import { type Bench, MINUTE, openBench, statusOf, story, T0 } from './worker-in-test.ts'

const VERIFIER = fileURLToPath(new URL('../../../docs/verify.py', import.meta.url))
const TWO = [DEFAULT_ADAPTERS[0]!, { ...DEFAULT_ADAPTERS[0]!, name: 'more', adapter: 'xml-extended' }]
const BROKEN = { ...TWO[1]!, stylesheet: '<xsl:stylesheet version="1.0"/>' }

let bench: Bench
let output: string
let keyFile: string
beforeEach(async () => {
  bench = await openBench()
  output = join(bench.directory, 'exports')
  keyFile = join(bench.directory, 'keys', 'signing-keys.json')
})
afterEach(() => bench[Symbol.asyncDispose]())

const worker = (options: Parameters<Bench['worker']>[0] = {}) =>
  bench.worker({ adapters: TWO, directory: output, signingKey: { file: keyFile }, ...options })

const poolFiles = async () => (await readdir(join(output, 'pool'))).filter((name) => name.startsWith('pool-')).sort()
const jsonFiles = async () => (await poolFiles()).filter((name) => name.endsWith('.json'))
const poolManifest = async (index: number) =>
  JSON.parse(await readFile(join(output, 'pool', (await jsonFiles())[index]!), 'utf8'))
async function contents(): Promise<Map<string, string>> {
  const names = await poolFiles()
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(output, 'pool', name), 'utf8')] as const)),
  )
}
function verify(...args: string[]): Promise<{ exitCode: number; findings: { what: string }[]; pools: object[] }> {
  return new Promise((resolve, reject) =>
    execFile('python3', [VERIFIER, '--json', ...args, output], (error, stdout, stderr) => {
      if (stderr !== '') reject(new Error(stderr, { cause: error }))
      else resolve(JSON.parse(stdout))
    }),
  )
}

describe('the pool manifest of an interval', () => {
  it('names every series, and its tree is the one over the chain files, late events and quarantine included', async () => {
    const [one, two] = story(bench)
    const three = bench.pool.source('chat-3', { startedAt: T0 })
    three.says('desk', 'carol', 'first', T0 + 5_000)
    three.putText('not an event', T0 + 6_000)
    three.says('desk', 'carol', 'third', T0 + 7_000)
    three.says('desk', 'carol', 'fourth', T0 + 8_000)
    await using first = await worker()
    await bench.deliver(T0 + MINUTE, [one, two, three])
    await first.drain()
    const late = bench.pool.source('chat-late', { startedAt: T0 })
    late.says('desk', 'dave', 'from before', T0 + 9_000)
    late.putText('nor this', T0 + 9_500)
    late.says('desk', 'dave', 'from before, too', T0 + 9_700)
    late.says('desk', 'dave', 'from now', T0 + MINUTE + 9_000)
    await bench.deliver(T0 + 2 * MINUTE, [one, two, three, late])
    await first.drain()

    const lines: string[] = []
    const chains = (await readdir(join(output, 'xml'))).filter((name) => name.endsWith('.chain.txt'))
    // Export 1 is the first interval, export 2 its addendum, export 3 the second interval.
    const inOrder = [chains.find((name) => name.startsWith('20261120T231500Z_20261120T231600Z.'))!]
    inOrder.push(...chains.filter((name) => name.includes('addendum')))
    inOrder.push(chains.find((name) => name.startsWith('20261120T231600Z'))!)
    for (const name of inOrder) lines.push(...(await readFile(join(output, 'xml', name), 'utf8')).trim().split('\n'))
    expect(lines.filter((line) => line.includes('quarantined'))).toHaveLength(2)
    const newest = await poolManifest(1)
    expect(newest.tree).toEqual({ size: lines.length, root: rootByDefinition(lines).toString('base64') })
    expect(
      newest.series.map(({ adapter, directory, state, complete, number }: Record<string, unknown>) => [
        adapter,
        directory,
        state,
        complete,
        number,
      ]),
    ).toEqual([
      ['more', 'more', 'active', true, 3],
      ['record', 'record', 'active', true, 3],
      ['xml', 'xml', 'active', true, 3],
    ])
    expect(newest.previousPoolManifestSha256).toBe(
      hash('sha256', await readFile(join(output, 'pool', (await jsonFiles())[0]!)), 'hex'),
    )
    expect(await verify()).toMatchObject({
      exitCode: 0,
      trust: 'embedded',
      pools: [{ manifests: 2, treeOf: ['more', 'record', 'xml'], unsignedExports: 0, trust: 'embedded' }],
    })
    const [publicKey] = await readdir(join(output, 'pool', 'keys'))
    expect(await verify('--key', join(output, 'pool', 'keys', publicKey!))).toMatchObject({
      exitCode: 0,
      trust: 'pinned',
    })
    await rm(join(output, 'more'), { recursive: true })
    expect(await verify()).toMatchObject({ exitCode: 1, findings: [{ what: 'series-missing' }] })
  })

  it('waits a minute for a stuck adapter, then says that it is not done, and a later one says that it is', async () => {
    const sources = story(bench)
    await using stuck = await worker({ adapters: [TWO[0]!, BROKEN] })
    await bench.deliver(T0 + MINUTE, sources)
    bench.clock.advance({ ms: MINUTE })
    await stuck.drain()
    expect(await poolFilesOrNone()).toEqual([])

    bench.clock.advance({ ms: MINUTE })
    await stuck.drain()

    expect((await poolManifest(0)).series).toMatchObject([
      { adapter: 'more', complete: false, number: 0, manifest: null, directory: null },
      { adapter: 'record', complete: true, number: 1 },
      { adapter: 'xml', complete: true, number: 1 },
    ])
    await stuck.stop()
    await using mended = await worker({ name: 'w2' })
    await bench.deliver(T0 + 2 * MINUTE, sources)
    await mended.drain()
    expect((await poolManifest(1)).series).toMatchObject([
      { adapter: 'more', complete: true, number: 2 },
      { adapter: 'record', complete: true, number: 2 },
      { adapter: 'xml', complete: true, number: 2 },
    ])
    expect(await verify()).toMatchObject({ exitCode: 0 })
  })

  it('names a series that has ended, and none that was added later', async () => {
    const sources = story(bench)
    await using both = await worker()
    await bench.deliver(T0 + MINUTE, sources)
    await both.drain()
    await both.stop()
    await using other = await worker({ name: 'w2', adapters: [TWO[0]!, { ...TWO[0]!, name: 'third' }] })
    await bench.deliver(T0 + 2 * MINUTE, sources)
    await other.drain()

    expect((await poolManifest(0)).series.map((each: { adapter: string }) => each.adapter)).toEqual([
      'more',
      'record',
      'xml',
    ])
    expect((await poolManifest(1)).series).toMatchObject([
      { adapter: 'more', state: 'ended', complete: false, number: 1 },
      { adapter: 'record', state: 'active', complete: true, number: 2 },
      { adapter: 'third', state: 'active', complete: true, number: 1 },
      { adapter: 'xml', state: 'active', complete: true, number: 2 },
    ])
    expect(await verify()).toMatchObject({ exitCode: 0 })
  })

  it('has the verifier beside it, which a newer worker replaces, and which verifies the package alone', async () => {
    const sources = story(bench)
    await using first = await worker()
    await first.drain()
    await expect(readdir(join(output, 'pool'))).rejects.toThrow('ENOENT')
    await bench.deliver(T0 + MINUTE, sources)
    await first.drain()
    await first.stop()
    const beside = join(output, 'pool', 'verify.py')
    expect(await readFile(beside, 'utf8')).toBe(await readFile(VERIFIER, 'utf8'))
    expect(await readFile(join(output, 'pool', 'manifest.md'), 'utf8')).toContain('# ')
    const printed = execFileSync('python3', ['-I', beside, output])
    expect(String(printed)).toContain('Good: every file is as it was sealed')

    await writeFile(beside, 'print("of an older version")')
    await using second = await worker({ name: 'w2' })
    await second.drain()
    expect(await readFile(beside, 'utf8')).toBe(await readFile(VERIFIER, 'utf8'))
  })

  const STEPS = ['keys/ID.pub', 'STEM.checkpoint', 'STEM.note', 'STEM.json', 'the record'] as const
  it.each(STEPS)(
    'is written with the same bytes after a crash before %s, whatever the key is by then',
    async (step) => {
      const sources = story(bench)
      await using first = await worker()
      await bench.deliver(T0 + MINUTE, sources)
      await first.drain()
      await first.stop()
      const before = await contents()
      const key = parseSigningKeys(await readFile(keyFile, 'utf8'))
      const stem = 'pool-20261120T231500Z_20261120T231600Z'
      const files = STEPS.slice(0, -1).map((name) => name.replace('ID', key.signing.verifier.id).replace('STEM', stem))
      // As a worker leaves it that dies before this step: what comes later has not happened.
      await bench.db.knex('pool_manifest').update({ state: 'planned', sealed_at: null })
      for (const name of files.slice(STEPS.indexOf(step))) await rm(join(output, 'pool', name))
      await replaceSigningKeyFile(keyFile, replaceSigningKey(key))
      const kept =
        files[0]! && step === 'the record' ? await stat(join(output, 'pool', files[3]!), { bigint: true }) : undefined

      await using second = await worker({ name: 'w2' })
      await second.drain()

      expect(await contents()).toEqual(before)
      if (kept) expect((await stat(join(output, 'pool', files[3]!), { bigint: true })).ino).toBe(kept.ino)
      expect(await bench.db.knex('pool_manifest').select('state')).toEqual([{ state: 'sealed' }])
      await bench.deliver(T0 + 2 * MINUTE, sources)
      await second.drain()
      expect(await jsonFiles()).toHaveLength(2)
      // Both the old key and the new one lead to all of it.
      const keys = (await readdir(join(output, 'pool', 'keys'))).filter((name) => name.endsWith('.pub'))
      expect(keys).toHaveLength(2)
      for (const name of keys)
        expect(await verify('--key', join(output, 'pool', 'keys', name))).toMatchObject({ exitCode: 0, findings: [] })
    },
  )

  it('is not signed by a worker that still has the key that was replaced', async () => {
    const sources = story(bench)
    await using old = await worker()
    await replaceSigningKeyFile(keyFile, replaceSigningKey(parseSigningKeys(await readFile(keyFile, 'utf8'))))
    const next = await worker({ name: 'w2' })
    await next.stop()
    await bench.deliver(T0 + MINUTE, sources)
    await old.drain()
    expect(await poolFilesOrNone()).toEqual([])

    await old.stop()
    await using again = await worker({ name: 'w3' })
    await again.drain()
    expect(await jsonFiles()).toHaveLength(1)
    expect(await verify()).toMatchObject({ exitCode: 0 })
  })

  it('never takes the place of a file with other bytes', async () => {
    const sources = story(bench)
    const path = join(output, 'pool', 'pool-20261120T231500Z_20261120T231600Z.json')
    await mkdir(join(output, 'pool'), { recursive: true })
    await writeFile(path, 'from another history')
    await using running = await worker()
    await bench.deliver(T0 + MINUTE, sources)
    await running.drain()

    expect(await readFile(path, 'utf8')).toBe('from another history')
    expect(await bench.db.knex('pool_manifest').select('state')).toEqual([])
    expect((await statusOf(bench)).poolSealing.problem).toContain(`${path} cannot be adopted`)
    await rm(path)
    bench.clock.advance({ ms: 2 * MINUTE })
    await running.drain()
    expect(await bench.db.knex('pool_manifest').select('state')).toEqual([{ state: 'sealed' }])
  })

  it('is not written where its directory was unmounted', async () => {
    const sources = story(bench)
    await using running = await worker()
    await bench.deliver(T0 + MINUTE, sources)
    await running.drain()
    await rm(join(output, 'pool'), { recursive: true })
    await bench.deliver(T0 + 2 * MINUTE, sources)
    await running.drain()

    await expect(readdir(join(output, 'pool'))).rejects.toThrow('ENOENT')
    expect(await readdir(join(output, 'xml'))).toContain('20261120T231600Z_20261120T231700Z.manifest.json')
  })
})

describe('the key of a worker', () => {
  const start = (options: Parameters<Bench['worker']>[0] = {}) => worker({ name: 'w2', ...options })

  it('is made once, is read by its owner only, and is refused when others may read it', async () => {
    await using _ = await start()
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
    await chmod(keyFile, 0o640)
    await expect(start()).rejects.toThrow('run `chmod 600')
  })

  it('may come as a text, and neither a message nor the database holds the private part', async () => {
    await using _ = await start()
    const text = await readFile(keyFile, 'utf8')
    await using again = await start({ signingKey: { text } })
    await again.stop()
    const secret = JSON.parse(text).signing
    expect(JSON.stringify(await bench.db.knex('compliance_setting').select())).not.toContain(secret.slice(-40))
    const damaged = text.replace(secret, secret.slice(0, -6))
    await expect(start({ signingKey: { text: damaged } })).rejects.toThrow(/^HANSARD_SIGNING_KEY is not a signing key/)
    await expect(start({ signingKey: { text: damaged } })).rejects.not.toThrow(secret.slice(-40, -10))
  })

  it('is neither made anew nor replaced by a stranger’s while the pool has one; a successor’s is accepted', async () => {
    await using _ = await start()
    const keys = parseSigningKeys(await readFile(keyFile, 'utf8'))
    await rm(keyFile)
    await expect(start()).rejects.toThrow('does not exist, and the pool has a signing key')
    const other = { signing: replaceSigningKey(keys).signing, successions: [] }
    await replaceSigningKeyFile(keyFile, other)
    await expect(start()).rejects.toThrow('copy the signing key file from another worker')
    const next = replaceSigningKey(keys)
    await replaceSigningKeyFile(keyFile, next)
    await using successor = await start()
    await successor.stop()
    await replaceSigningKeyFile(keyFile, keys)
    await expect(start()).rejects.toThrow('copy the signing key file from another worker')
  })
})

async function poolFilesOrNone(): Promise<string[]> {
  return poolFiles().catch(() => [])
}

/** MTH of RFC 6962, 2.1, as it is written there. */
function rootByDefinition(leaves: readonly string[]): Buffer {
  if (leaves.length === 1) return hash('sha256', Buffer.concat([Buffer.of(0), Buffer.from(leaves[0]!)]), 'buffer')
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  const [left, right] = [rootByDefinition(leaves.slice(0, k)), rootByDefinition(leaves.slice(k))]
  return hash('sha256', Buffer.concat([Buffer.of(1), left, right]), 'buffer')
}
