import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newSigningKeys, parseSigningKeys, replaceSigningKey } from '@hansard/signing'
import { type Database, openDatabase } from '@hansard/sql'
import { appendAudit, listAudit } from '@hansard/staging'
import { COMPLIANCE, compliancePostgres, complianceSqlite } from '@hansard/staging/testing'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Backup, backUp, restore } from './backup-in-test.ts'
import type { ComplianceWorker } from './service.ts'
import { replaceSigningKeyFile } from './signing-key-file.ts'
import { type Bench, MINUTE, openBench, statusOf, T0 } from './worker-in-test.ts'

const VERIFIER = fileURLToPath(new URL('../../../docs/verify.py', import.meta.url))
const FIRST = '20261120T231500Z_20261120T231600Z'
const SECOND = '20261120T231600Z_20261120T231700Z'
const at = (minute: number, ms = 0) => T0 + minute * MINUTE + ms

describe.each(['sqlite', 'postgres'] as const)('pool manifests after a restore, on %s', (dialect) => {
  let server: SharedPostgres | undefined
  let db: Database & { readonly url: string }
  let directory: string
  let signingKey: { file: string }
  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
  })
  afterAll(() => server?.stop())
  beforeEach(async () => {
    db = server
      ? await compliancePostgres(await server.createDatabase('restored', COMPLIANCE))
      : await complianceSqlite()
    directory = await mkdtemp(join(tmpdir(), 'hansard-restored-'))
    signingKey = { file: join(directory, 'signing-keys.json') }
  })
  afterEach(async () => {
    await db.close()
    await rm(directory, { recursive: true, force: true })
  })

  const exports = () => join(directory, 'exports')
  const pool = (name = '') => join(exports(), 'pool', name)
  const life = (minute: number) => openBench({ db: openDatabase({ url: db.url }), directory, at: at(minute) })
  const start = (bench: Bench) => bench.worker({ directory: exports(), signingKey })
  const manifestsOnDisk = async () => (await readdir(pool())).filter((name) => name.endsWith('.json')).sort()

  /** Name and bytes of every file in the directory of the pool manifests. */
  async function poolFiles(): Promise<Map<string, string>> {
    const names = (await readdir(pool())).filter((name) => name !== 'keys').sort()
    return new Map(await Promise.all(names.map(async (name) => [name, await readFile(pool(name), 'utf8')] as const)))
  }

  async function verify(): Promise<{ exitCode: number; findings: { what: string }[] }> {
    const [key] = await readdir(pool('keys'))
    return new Promise((resolve, reject) =>
      execFile('python3', [VERIFIER, '--json', '--key', pool(`keys/${key}`), exports()], (error, stdout, stderr) =>
        stderr === '' ? resolve(JSON.parse(stdout)) : reject(new Error(stderr, { cause: error })),
      ),
    )
  }

  /** Three signed intervals. The backup was made before the first, or after it. */
  async function firstLife(backupAfter: 0 | 1): Promise<{ backup: Backup; before: Map<string, string> }> {
    await using bench = await life(0)
    let backup = await backUp(db)
    await appendAudit(db.knex, { at: T0, actor: 'olivia', action: 'list-exports', object: 'exports', detail: {} })
    const worker = await start(bench)
    const source = bench.pool.source('chat-1', { startedAt: T0 })
    for (const minute of [1, 2, 3]) {
      source.says('desk', 'alice', `in minute ${minute}`, at(minute - 1, 1))
      await bench.deliver(at(minute), [source])
      await worker.drain()
      if (minute === backupAfter) backup = await backUp(db)
    }
    return { backup, before: await poolFiles() }
  }

  /** The pool goes on with a new start of the service; one more interval is closed. */
  async function secondLife(bench: Bench, worker: ComplianceWorker): Promise<void> {
    // The directory is read before the progress of the sources that allows adoption.
    await worker.drain()
    const old = bench.pool.source('chat-1', { startedAt: T0 })
    for (const said of [1, 2, 3]) old.says('desk', 'alice', `in minute ${said}`, at(said - 1, 1))
    old.ends('fenced')
    const next = bench.pool.source('chat-1', { epoch: 2, startedAt: at(4) })
    next.says('desk', 'bob', 'after the restore', at(5, 1))
    await bench.deliver(at(6), [old, next])
    await worker.drain()
  }

  it.each([
    ['older', 1],
    ['lost', 0],
  ] as const)('are taken over from disk when the compliance database is %s, and go on', async (_, backupAfter) => {
    const { backup, before } = await firstLife(backupAfter)
    // Three files of each of three intervals, the verifier, and the format's description.
    expect(before.size).toBe(11)
    await restore(db, backup)
    await using bench = await life(5)
    const worker = await start(bench)
    await secondLife(bench, worker)

    const after = await poolFiles()
    for (const [name, text] of before) expect(after.get(name), name).toBe(text)
    expect(await manifestsOnDisk()).toHaveLength(6)
    expect(await verify()).toMatchObject({ exitCode: 0, findings: [] })
    const adopted = (await listAudit(db, { limit: 20 })).filter(({ action }) => action === 'adopted')
    expect(adopted.map(({ object }) => object).filter((object) => object.startsWith('pool/'))).toEqual(
      ['pool/3', 'pool/2', 'pool/1'].slice(0, 3 - backupAfter),
    )
    expect((await statusOf(bench)).poolSealing).toEqual({ problem: null, unsigned: null })
    // The heads of the audit trail that were signed are compared with the trail again.
    const heads = (await manifestsOnDisk()).slice(0, 3).map((name) => JSON.parse(after.get(name)!).audit)
    expect(heads[0]).toMatchObject({ number: expect.any(Number), head: expect.any(String) })
    const known: object[] = await db
      .knex('pool_manifest')
      .orderBy('number')
      .limit(3)
      .select('audit_number as number', 'audit_head as head')
    expect(known).toEqual(heads)
  })

  it('are taken over although the key that signed them has been replaced', async () => {
    const { backup, before } = await firstLife(1)
    await restore(db, backup)
    await replaceSigningKeyFile(
      signingKey.file,
      replaceSigningKey(parseSigningKeys(await readFile(signingKey.file, 'utf8'))),
    )
    await using bench = await life(5)
    const worker = await start(bench)
    await secondLife(bench, worker)

    const after = await poolFiles()
    for (const [name, text] of before) expect(after.get(name), name).toBe(text)
    expect(await manifestsOnDisk()).toHaveLength(6)
    expect(await verify()).toMatchObject({ exitCode: 0, findings: [] })
  })

  const rewrite = async (path: string, edit: (text: string) => string) =>
    writeFile(path, edit(await readFile(path, 'utf8')))
  const DAMAGE: readonly (readonly [string, (path: string) => Promise<unknown>])[] = [
    ['was altered', (path) => rewrite(path, (text) => text.replace('\n', ' \n'))],
    ['is not what its note signs', (path) => rewrite(path, (text) => text.replace('"active"', '"ended"'))],
    ['is not signed with a key of this pool', (path) => rm(path.replace(/json$/, 'note'))],
    [
      'has another tree than its checkpoint',
      (path) =>
        copyFile(path.replace(SECOND, FIRST).replace(/json$/, 'checkpoint'), path.replace(/json$/, 'checkpoint')),
    ],
    ['is of another interval', (path) => rename(path, path.replace('31700Z.json', '31630Z.json'))],
  ]
  it.each(DAMAGE)('are not taken over, and no other is signed, when one %s', async (why, damage) => {
    const { backup } = await firstLife(1)
    await restore(db, backup)
    const second = pool((await manifestsOnDisk())[1]!)
    const texts = await poolFiles()
    await damage(second)
    const damaged = await poolFiles()
    await using bench = await life(5)
    const worker = await start(bench)
    await secondLife(bench, worker)

    expect(await poolFiles()).toEqual(damaged)
    const { problem, unsigned } = (await statusOf(bench)).poolSealing
    expect(problem).toContain('pool-20261120T231600Z_')
    expect(problem).toContain(why)
    expect(problem).toContain('bring the right files back')
    expect(unsigned).toMatchObject({ interval: 2 })
    expect((await verify()).exitCode).not.toBe(0)

    // The remedy that the problem names.
    for (const name of damaged.keys()) if (!texts.has(name)) await rm(pool(name))
    for (const [name, text] of texts) await writeFile(pool(name), text)
    bench.clock.advance({ ms: 2 * MINUTE })
    await worker.drain()
    expect((await statusOf(bench)).poolSealing).toEqual({ problem: null, unsigned: null })
    expect(await verify()).toMatchObject({ exitCode: 0, findings: [] })
  })

  it('are not taken over when another pool’s key has signed them', async () => {
    const { backup } = await firstLife(0)
    await restore(db, backup)
    await rm(signingKey.file)
    await writeFile(signingKey.file, '')
    await replaceSigningKeyFile(signingKey.file, newSigningKeys('hansard/fourth-coffee'))
    await using bench = await life(5)
    const worker = await start(bench)
    await secondLife(bench, worker)
    expect((await statusOf(bench)).poolSealing.problem).toContain('is not signed with a key of this pool')
    expect(await manifestsOnDisk()).toHaveLength(3)
  })

  it('say in the status that their directory is missing', async () => {
    await firstLife(0)
    await rm(pool(), { recursive: true })
    await using bench = await life(3)
    const worker = await start(bench)
    await secondLife(bench, worker)
    expect((await statusOf(bench)).poolSealing.problem).toContain(`${pool()}`.replace(/\/$/, ''))
    expect((await statusOf(bench)).poolSealing.problem).toContain('is missing. Mount its disk')
  })
})
