import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { IDENTITY_FILE } from './directory-identity.ts'
import { adapterStatus, type Bench, MINUTE, manifests, openBench, story, T0 } from './worker-in-test.ts'

async function benchWithOneExport() {
  const bench = await openBench()
  const worker = await bench.worker()
  const sources = story(bench)
  await bench.deliver(T0 + MINUTE, sources)
  await worker.drain()
  return {
    bench,
    directory: join(bench.directory, 'xml'),
    next: async (minutes: number) => {
      await bench.deliver(T0 + minutes * MINUTE, sources)
      bench.clock.advance({ minutes: 1 })
      await worker.drain()
    },
  }
}

const problemOf = async (bench: Bench) => (await adapterStatus(bench)).problem

describe('an output directory', () => {
  it('gets an identity when it is created', async () => {
    const { bench, directory } = await benchWithOneExport()
    await using _ = bench
    const identity = JSON.parse(await readFile(join(directory, IDENTITY_FILE), 'utf8'))
    expect(identity).toEqual({ pool: 'fourth-coffee', adapter: 'xml', id: expect.any(String) })
  })

  it('is not written to while it is not the same one: an empty mount point stays empty', async () => {
    const { bench, directory, next } = await benchWithOneExport()
    await using _ = bench
    await rename(directory, `${directory}-away`)
    await mkdir(directory)
    await next(2)
    expect(await readdir(directory)).toEqual([])
    const problem = await problemOf(bench)
    expect(problem).toContain(`${join(directory, IDENTITY_FILE)} is missing`)
    expect(problem).toContain('Mount its disk or share.')

    await rm(directory, { recursive: true })
    await rename(`${directory}-away`, directory)
    await next(3)
    expect(await problemOf(bench)).toBeNull()
    expect((await manifests(bench)).map(({ number }) => number)).toEqual([1, 2, 3])
  })

  it('may be replaced for good by writing the line that the problem names', async () => {
    const { bench, directory, next } = await benchWithOneExport()
    await using _ = bench
    await rm(directory, { recursive: true })
    await mkdir(directory)
    await next(2)
    const line = (await problemOf(bench))!.split('this line to it: ')[1]!
    await writeFile(join(directory, IDENTITY_FILE), `${line}\n`)
    await next(3)
    expect(await problemOf(bench)).toBeNull()
    expect((await manifests(bench)).map(({ number }) => number)).toEqual([2, 3])
  })

  it('gets one by itself when it is from before there were identities, and has manifests of this adapter', async () => {
    const { bench, directory, next } = await benchWithOneExport()
    await using _ = bench
    await rm(join(directory, IDENTITY_FILE))
    await bench.db.knex('compliance_setting').where('name', 'like', 'output-directory %').delete()
    await next(2)
    expect(await problemOf(bench)).toBeNull()
    expect(await readFile(join(directory, IDENTITY_FILE), 'utf8')).toContain('fourth-coffee')
  })

  it('gets none when it is from before and its files are not there', async () => {
    const { bench, directory, next } = await benchWithOneExport()
    await using _ = bench
    await bench.db.knex('compliance_setting').where('name', 'like', 'output-directory %').delete()
    await rename(directory, `${directory}-away`)
    await mkdir(directory)
    await next(2)
    expect(await readdir(directory)).toEqual([])
    expect(await problemOf(bench)).toContain('Mount its disk or share.')
  })

  it('is refused when it belongs to another pool', async () => {
    await using bench = await openBench()
    await mkdir(join(bench.directory, 'xml'))
    const theirs = JSON.stringify({ pool: 'litware', adapter: 'xml', id: '1' })
    await writeFile(join(bench.directory, 'xml', IDENTITY_FILE), theirs)
    const worker = await bench.worker()
    await bench.deliver(T0 + MINUTE, story(bench))
    await worker.drain()
    expect(await problemOf(bench)).toContain('belongs to the pool litware, adapter xml')
    expect(await readdir(join(bench.directory, 'xml'))).toEqual([IDENTITY_FILE])
  })
})
