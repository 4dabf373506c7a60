import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addRequest, findRequest, listAudit, type RequestDetail } from '@hansard/staging'
import { COMPLIANCE, compliancePostgres } from '@hansard/staging/testing'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHECK_FILES_EVERY_MS } from './config.ts'
import { MINUTE, manifests, openBench, statusOf, story, T0 } from './worker-in-test.ts'

const RESTORE = { kind: 'restore', adapter: 'xml', number: 1 } as const

describe.each(['sqlite', 'postgres'] as const)('sealed files, on %s', (dialect) => {
  let server: SharedPostgres | undefined
  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
  })
  afterAll(() => server?.stop())

  async function benchWithExports() {
    const db = server && (await compliancePostgres(await server.createDatabase('check', COMPLIANCE)))
    const bench = await openBench({ ...(db ? { db } : {}) })
    const worker = await bench.worker()
    // The first round begins here.
    await worker.drain()
    const sources = story(bench)
    await bench.deliver(T0 + MINUTE, sources)
    await bench.deliver(T0 + 2 * MINUTE, sources)
    await worker.drain()
    const directory = join(bench.directory, 'xml')
    const ask = async (request: RequestDetail) => {
      const id = await addRequest(bench.db, { request, requestedBy: 'officer', now: bench.clock.now() })
      await worker.drain()
      return (await findRequest(bench.db, id))!
    }
    const named = async (suffix: string) =>
      (await readdir(directory)).filter((name) => name.endsWith(suffix)).sort()[0]!
    return { bench, worker, sources, directory, ask, named }
  }

  it('are read again once a day, and what differs is named until it is restored', async () => {
    const { bench, worker, directory, ask, named } = await benchWithExports()
    await using _ = bench
    expect((await statusOf(bench)).damagedFiles).toEqual({ count: 0, files: [] })
    const document = await named('-0001.xml')
    const sealed = await bench.files()
    await writeFile(join(directory, document), 'something else')
    await rm(join(directory, await named('.chain.txt')))

    bench.clock.advance({ ms: CHECK_FILES_EVERY_MS - 3 * MINUTE })
    await worker.drain()
    expect((await statusOf(bench)).damagedFiles.count).toBe(0)
    bench.clock.advance({ minutes: 1 })
    await worker.drain()
    expect((await statusOf(bench)).damagedFiles).toMatchObject({
      count: 2,
      files: [
        { adapter: 'xml', number: 1, directory, name: document, problem: expect.stringContaining('14 bytes') },
        { name: expect.stringContaining('.chain.txt'), problem: 'is missing' },
      ],
    })

    const restored = await ask(RESTORE)
    expect(restored).toMatchObject({
      state: 'done',
      result: { written: [document, expect.stringContaining('.chain')] },
    })
    const { kept } = restored.result as { kept: string[] }
    expect(kept).toHaveLength(1)
    expect(await readFile(join(directory, kept[0]!), 'utf8')).toBe('something else')
    const after = await bench.files()
    for (const [name, text] of sealed) expect(after.get(name), name).toBe(text)
    expect((await statusOf(bench)).damagedFiles.count).toBe(0)
    const [record] = await listAudit(bench.db, { limit: 1 })
    expect(record).toMatchObject({ action: 'restored', object: 'xml/1', detail: { kept } })
  })

  it('are read again newest first, in steps that together read every file once', async () => {
    const { bench, worker, sources, directory, ask, named } = await benchWithExports()
    await using _ = bench
    const document = await named('-0001.xml')
    const text = await readFile(join(directory, document), 'utf8')
    await writeFile(join(directory, document), text.replace('before', 'befoRe'))
    // More exports than a step reads.
    for (let minute = 3; minute <= 60; minute++) await bench.deliver(T0 + minute * MINUTE, sources)
    await worker.drain()
    expect((await manifests(bench)).length).toBe(60)

    for (let step = 0; step < 10 && (await statusOf(bench)).damagedFiles.count === 0; step++) {
      bench.clock.advance({ ms: step === 0 ? CHECK_FILES_EVERY_MS : 5_000 })
      await worker.drain()
    }
    expect((await statusOf(bench)).damagedFiles.files).toEqual([
      expect.objectContaining({ number: 1, name: document, problem: expect.stringContaining('was altered') }),
    ])
    expect(await ask({ kind: 'check' })).toMatchObject({
      result: { files: (await bench.files()).size, damagedCount: 1 },
    })
  })

  it('that are as they were sealed are not written, and leave no copy', async () => {
    const { bench, directory, ask } = await benchWithExports()
    await using _ = bench
    const before = await readdir(directory)
    expect(await ask(RESTORE)).toMatchObject({ state: 'done', result: { written: [], kept: [] } })
    expect(await readdir(directory)).toEqual(before)
  })

  it('are checked when somebody asks', async () => {
    const { bench, directory, ask, named } = await benchWithExports()
    await using _ = bench
    expect(await ask({ kind: 'check' })).toMatchObject({ state: 'done', result: { files: 12, damagedCount: 0 } })
    const document = await named('-0001.xml')
    const text = await readFile(join(directory, document), 'utf8')
    await writeFile(join(directory, document), text.replace('before', 'BEFORE'))
    expect(await ask({ kind: 'check' })).toMatchObject({
      result: { damagedCount: 1, damaged: [{ name: document, problem: expect.stringContaining('was altered') }] },
    })
  })

  it('that differ on disk are named by a replay, which otherwise compares with the record', async () => {
    const { bench, directory, ask, named } = await benchWithExports()
    await using _ = bench
    const document = await named('-0001.xml')
    await rm(join(directory, document))
    expect(await ask({ kind: 'replay', adapter: 'xml', number: 1 })).toMatchObject({
      result: { identical: true, onDisk: [{ name: document, problem: 'is missing' }] },
    })
  })

  it('are not restored when the record gives other bytes', async () => {
    const { bench, directory, ask, named } = await benchWithExports()
    await using _ = bench
    const document = await named('-0001.xml')
    await rm(join(directory, document))
    await bench.db
      .knex('export_file')
      .where({ name: document })
      .update({ sha256: '0'.repeat(64) })
    const before = await bench.files()
    expect(await ask(RESTORE)).toMatchObject({ state: 'failed', reason: expect.stringContaining('cannot be restored') })
    expect(await bench.files()).toEqual(before)
  })
})
