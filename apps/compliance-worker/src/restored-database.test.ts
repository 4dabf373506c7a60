import { hash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileMissing, verifySeries } from '@hansard/evidence'
import { type Database, openDatabase } from '@hansard/sql'
import { listAudit, listExports, recordSourceProgress } from '@hansard/staging'
import { COMPLIANCE, compliancePostgres, complianceSqlite, type ScriptedSource } from '@hansard/staging/testing'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Backup, backUp, restore } from './backup-in-test.ts'
import { adapterStatus, type Bench, MINUTE, manifests, openBench, T0 } from './worker-in-test.ts'

const at = (minute: number, ms = 0) => T0 + minute * MINUTE + ms

describe.each(['sqlite', 'postgres'] as const)('a database restored from a backup, on %s', (dialect) => {
  let server: SharedPostgres | undefined
  let db: Database & { readonly url: string }
  let directory: string
  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
  })
  afterAll(() => server?.stop())
  beforeEach(async () => {
    db = server
      ? await compliancePostgres(await server.createDatabase('restored', COMPLIANCE))
      : await complianceSqlite()
    directory = await mkdtemp(join(tmpdir(), 'hansard-restored-'))
  })
  afterEach(async () => {
    await db.close()
    await rm(directory, { recursive: true, force: true })
  })

  /** A worker's life on the database as it is now, with a fresh connection. */
  const life = (minute: number) => openBench({ db: openDatabase({ url: db.url }), directory, at: at(minute) })

  /** Two chats before the backup, two intervals sealed before it, two more after it. Returns the backup. */
  async function firstLife(): Promise<{ backup: Backup; before: Map<string, string>; one: ScriptedSource }> {
    await using bench = await life(0)
    const worker = await bench.worker()
    const one = bench.pool.source('chat-1', { startedAt: T0 })
    one.joins('desk', 'alice', at(0, 1))
    one.says('desk', 'alice', 'before the backup', at(0, 2))
    await exportsAt(bench, worker, 1, [one])
    one.says('desk', 'alice', 'staged before the backup', at(1, 1))
    await bench.deliver(at(1, 2), [one])
    const backup = await backUp(db)
    one.says('desk', 'alice', 'after the backup', at(1, 3))
    await exportsAt(bench, worker, 2, [one])
    const late = bench.pool.source('chat-9', { startedAt: T0 })
    late.says('desk', 'carol', 'late', at(0, 5))
    late.ends('stopped')
    one.says('desk', 'alice', 'later still', at(2, 1))
    await exportsAt(bench, worker, 3, [one, late])
    return { backup, before: await bench.files(), one }
  }

  it('goes on after what is sealed on disk, and changes no byte of it', async () => {
    const { backup, before } = await firstLife()
    expect(before.size).toBe(12)
    await restore(db, backup)

    await using bench = await life(5)
    const worker = await bench.worker()
    await worker.drain()
    const old = restoredSource(bench)
    const next = bench.pool.source('chat-1', { epoch: 2, startedAt: at(5) })
    next.says('desk', 'bob', 'after the restore', at(5, 1))
    await exportsAt(bench, worker, 6, [old, next])

    const after = await bench.files()
    for (const [name, text] of before) expect(after.get(name), name).toBe(text)
    expect((await manifests(bench)).map((each) => `${each.number} ${each.kind}`)).toEqual([
      '1 interval',
      '2 interval',
      '3 addendum',
      '4 interval',
      '5 interval',
      '6 interval',
      '7 interval',
    ])
    expect([...after.values()].filter((text) => text.includes('after the restore'))).toHaveLength(1)
    expect(await verify(directory)).toMatchObject({ findings: [], unreadable: [], outstanding: [], lastExport: 7 })
    const adopted = (await listAudit(db, { limit: 10 })).filter(({ action }) => action === 'adopted')
    const inOrder = ['record/2', 'record/3', 'record/4', 'xml/2', 'xml/3', 'xml/4']
    expect(adopted.map(({ object }) => object).toSorted()).toEqual(inOrder)
    expect(
      (await listExports(db, { adapter: 'xml', limit: 10 })).map(({ state, events }) => `${state} ${events}`),
    ).toEqual(['sealed 1', 'sealed 0', 'sealed 0', 'sealed 1', 'sealed 1', 'sealed 2', 'sealed 2'])
    expect(await adapterStatus(bench)).toMatchObject({ problem: null, waiting: 0 })
  })

  it('exports what the sealed interval does not have as an addendum', async () => {
    const { backup, before } = await firstLife()
    await restore(db, backup)

    await using bench = await life(5)
    const worker = await bench.worker()
    await worker.drain()
    const other = bench.pool.source('chat-2', { startedAt: at(1) })
    other.says('desk', 'bob', 'in nobody’s export', at(1, 30_000))
    other.says('desk', 'bob', 'now', at(5, 1))
    await exportsAt(bench, worker, 6, [restoredSource(bench), other])

    const after = await bench.files()
    for (const [name, text] of before) expect(after.get(name), name).toBe(text)
    const addenda = (await manifests(bench)).filter(({ kind, number }) => kind === 'addendum' && number > 4)
    expect(addenda.map(({ interval, sources }) => [interval.startMs, sources[0]])).toEqual([
      [at(1), expect.objectContaining({ source: 'chat-2', count: 1 })],
    ])
    expect(await verify(directory)).toMatchObject({ findings: [], unreadable: [] })
  })

  it('takes what left the outbox from the sealed files, when the compliance database alone is older', async () => {
    const { backup, one, before } = await firstLife()
    await restore(db, backup)

    await using bench = await life(5)
    const worker = await bench.worker()
    await worker.drain()
    // The pool goes on counting; the outbox has only what was never staged.
    one.says('desk', 'alice', 'new', at(5, 1))
    one.reports(at(6))
    const report = { takenAt: at(6), sources: [one.report()] }
    await bench.transport.send([{ kind: 'events', ...one.envelope(one.recorded.length) }])
    await recordSourceProgress(db, report)
    await worker.drain()
    expect((await listExports(db, { limit: 10 })).length).toBe(2)
    bench.clock.advance({ minutes: 1 })
    await worker.drain()

    const after = await bench.files()
    for (const [name, text] of before) expect(after.get(name), name).toBe(text)
    expect([...after.values()].filter((text) => text.includes('>new<') || text.includes('"new"'))).toHaveLength(1)
    expect(await verify(directory)).toMatchObject({ findings: [], unreadable: [], outstanding: [] })
  })

  it('stops when the pool has since said something else under a sealed number', async () => {
    const { backup, before } = await firstLife()
    await restore(db, backup)

    await using bench = await life(5)
    const worker = await bench.worker()
    await worker.drain()
    const fork = restoredSource(bench)
    fork.says('desk', 'alice', 'another text', at(1, 3))
    await exportsAt(bench, worker, 6, [fork])

    const { problem } = await adapterStatus(bench)
    expect(problem).toContain('has another text under chat-1/1/4')
    expect(await bench.files()).toEqual(before)
  })

  it.each([
    ['cannot be adopted', '.manifest.json', () => 'cut'],
    ['does not verify', '-0001.xml', (text: string) => text.replace('later still', 'never said')],
    ['belongs to the pool', '.manifest.json', (text: string) => resealed(text.replace('fourth-coffee', 'litware'))],
  ])('stops an adapter whose files on disk cannot be adopted: it %s', async (why, suffix, damage) => {
    const { backup } = await firstLife()
    await restore(db, backup)
    const newest = (await readdir(join(directory, 'xml')))
      .filter((name) => name.endsWith(suffix))
      .sort()
      .at(-1)!
    // The record series would be adopted instead: without it nothing else has these intervals.
    for (const name of await readdir(join(directory, 'record')))
      if (isFromThird(name)) await rm(join(directory, 'record', name))
    const path = join(directory, 'xml', newest)
    await writeFile(path, damage(await readFile(path, 'utf8')))
    await using bench = await life(5)
    const damaged = await bench.files()
    const worker = await bench.worker()
    await worker.drain()
    const next = bench.pool.source('chat-1', { epoch: 2, startedAt: at(5) })
    await exportsAt(bench, worker, 6, [restoredSource(bench), next])

    const { problem } = await adapterStatus(bench)
    expect(problem).toContain(newest)
    expect(problem).toContain(why)
    expect(problem).toContain('elsewhere')
    expect(await bench.files()).toEqual(damaged)

    expect(problem).toContain('move the exports from number 3 on elsewhere')
    for (const name of damaged.keys())
      if (isFromThird(name)) await rename(join(directory, 'xml', name), join(directory, name))
    bench.clock.advance({ minutes: 1 })
    await worker.drain()
    expect((await adapterStatus(bench)).problem).toBeNull()
    expect(await verify(directory)).toMatchObject({ findings: [], unreadable: [] })
    expect(await manifests(bench)).toHaveLength(6)
  })
})

const isFromThird = (name: string) => name.includes('addendum-3') || name.startsWith('20261120T2317')

/** The pool was restored too: it knows of the first life what the backup has. */
function restoredSource(bench: Bench): ScriptedSource {
  const old = bench.pool.source('chat-1', { startedAt: T0 })
  old.joins('desk', 'alice', at(0, 1))
  old.says('desk', 'alice', 'before the backup', at(0, 2))
  old.says('desk', 'alice', 'staged before the backup', at(1, 1))
  old.ends('fenced')
  return old
}

async function exportsAt(
  bench: Bench,
  worker: { drain(): Promise<void> },
  minute: number,
  sources: readonly ScriptedSource[],
): Promise<void> {
  await bench.deliver(at(minute), sources)
  await worker.drain()
}

async function verify(directory: string) {
  const files = await readdir(join(directory, 'xml'))
  return verifySeries({
    name: 'xml',
    files,
    async *read(file) {
      if (!files.includes(file)) throw new FileMissing(file)
      yield await readFile(join(directory, 'xml', file))
    },
  })
}

/** A manifest with a changed line, and the hash of its lines made right. */
function resealed(text: string): string {
  const lines = text.split('\n').slice(0, -3).join('\n')
  const content = `${lines}\n`
  return `${content}  "contentSha256": "${hash('sha256', content, 'hex')}"\n}\n`
}
