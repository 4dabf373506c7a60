import { mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Env } from '@hansard/config'
import { openFileStores } from '@hansard/file-store'
import { readSourceProgress } from '@hansard/pool-store'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { parseByteRange } from './byte-range.ts'
import { fileProcessConfig } from './config.ts'
import { type FilesInTest, send, startFilesInTest } from './files-in-test.ts'
import { createTransfers } from './transfers.ts'

describe('a file service', () => {
  let pool: FilesInTest | undefined
  afterEach(() => pool?.close())

  it('reports every second while it lives, so that intervals close, and stops as stopped', async () => {
    pool = await startFilesInTest(undefined)
    const source = async () =>
      (await readSourceProgress(pool!.db, 0)).sources.find(({ source: name }) => name === 'files-2')
    const { stop } = await pool.startAnother({ name: 'files-2' })
    const reportedAt = async () => (await source())!.reportedAt
    for (let report = 0; report < 3; report += 1) {
      const before = await reportedAt()
      // Whether the service is sleeping cannot be observed from here: advance the clock until it wakes.
      await expect
        .poll(() => {
          pool!.clock.advance({ seconds: 1 })
          return reportedAt()
        })
        .toBeGreaterThan(before)
    }
    await stop()
    expect(await source()).toMatchObject({ state: 'stopped', lastSeq: 0 })
  })

  it('refuses a compliance file store inside its own store, however the path is spelled', async () => {
    const root = await mkdtemp(join(tmpdir(), 'hansard-stores-'))
    try {
      await mkdir(join(root, 'a'))
      await symlink(join(root, 'a'), join(root, 'b'))
      for (const [directory, complianceDirectory] of [
        ['a', 'a'],
        ['a', 'b'],
        ['a', 'a/inside'],
        ['b/inside', 'a'],
      ] as const)
        await expect(
          openFileStores({ directory: join(root, directory), complianceDirectory: join(root, complianceDirectory) }),
        ).rejects.toThrow('must be apart')
      await openFileStores({ directory: join(root, 'a'), complianceDirectory: join(root, 'aa') })
    } finally {
      await rm(root, { recursive: true })
    }
  })

  it('starts only on its pool’s stores, and detects when one disappears', async () => {
    pool = await startFilesInTest(undefined)
    const away = join(pool.directory, 'away')
    await rename(join(pool.directory, 'compliance-files'), away)
    await expect(pool.startAnother({ name: 'files-2' })).rejects.toThrow('is not the file store')
    const issued = await pool.upload(pool.alice, { size: 4 })
    const refused = await send('PUT', issued.url, { ...issued, body: Buffer.from('four') })
    expect(refused).toMatchObject({ status: 503, json: { error: 'try-again' } })
    expect(await pool.events()).toEqual([])

    await rm(join(pool.directory, 'compliance-files'), { recursive: true })
    await rename(away, join(pool.directory, 'compliance-files'))
    await pool.startAnother({ name: 'files-2' })
    const headers = { 'upload-offset': '4' }
    expect(await send('PUT', issued.url, { ...issued, body: Buffer.alloc(0), headers })).toMatchObject({ status: 201 })
  })

  it('refuses a malformed scanner address instead of not scanning', () => {
    const env = new Env({
      HANSARD_FILES_NAME: 'files-1',
      HANSARD_POOL_DATABASE_URL: 'sqlite:x',
      HANSARD_FILE_STORE: '/a',
      HANSARD_COMPLIANCE_FILE_STORE: '/b',
      HANSARD_FILES_CLAMD: 'localhost:3310',
    })
    fileProcessConfig(env)
    expect(() => env.check()).toThrow(/HANSARD_FILES_CLAMD[\s\S]*tcp:\/\/host:port/)
  })
})

describe('a range', () => {
  it('lies within the file, whatever the header says', () => {
    const header = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^bytes=[0-9, -]{0,20}$/))
    fc.assert(
      fc.property(header, fc.nat({ max: 50 }), (text, size) => {
        const range = parseByteRange(text, size)
        if (range === undefined || range === 'unsatisfiable') return
        expect(range.start).toBeGreaterThanOrEqual(0)
        expect(range.end).toBeGreaterThanOrEqual(range.start)
        expect(range.end).toBeLessThan(size)
      }),
      { numRuns: 20_000 },
    )
  })
})

describe('the slots for transfers', () => {
  it('are limited in total and per principal, and each is released once', () => {
    const { enter } = createTransfers({ transfersMax: 3, transfersPerPrincipalMax: 2 })
    const [one, two] = [enter(1)!, enter(1)!]
    expect([typeof one, typeof two, enter(1), typeof enter(2), enter(3)]).toEqual([
      'function',
      'function',
      undefined,
      'function',
      undefined,
    ])
    one()
    one()
    expect([typeof enter(1), enter(1), enter(2)]).toEqual(['function', undefined, undefined])
  })

  it('let one request at a time work on a file: the latest', async () => {
    const { take } = createTransfers({ transfersMax: 9, transfersPerPrincipalMax: 9 })
    const story: string[] = []
    const work = async (name: string) => {
      let stopped = false
      const done = await take('file', () => {
        stopped = true
      })
      story.push(`${name} ${stopped ? 'stopped' : 'works'}`)
      await Promise.resolve()
      done()
    }
    await Promise.all(['first', 'second', 'third'].map(work))
    expect(story).toEqual(['first stopped', 'second stopped', 'third works'])
  })
})
