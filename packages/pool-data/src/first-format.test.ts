import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fillPool } from './fill-pool-in-test.ts'
import { DataFileError } from './index.ts'
import { openPoolInTest, type PoolInTest } from './pool-in-test.ts'
import { alterZip } from './zip-in-test.ts'

type Formatted = { format: string }

describe('a data file of the first format', () => {
  let directory: string
  let one: PoolInTest
  let two: PoolInTest
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-first-'))
    one = await openPoolInTest('sqlite', 'one')
    two = await openPoolInTest('sqlite', 'two')
    await fillPool(one)
    await one.exportTo(join(directory, 'one.zip'))
  })
  afterEach(async () => {
    await one.close()
    await two.close()
    await rm(directory, { recursive: true, force: true })
  })
  const asFirst = (more: { about?: string; line?: (line: Record<string, unknown>) => object }) =>
    alterZip(join(directory, 'one.zip'), join(directory, 'first.zip'), (entries) => {
      const edit = (name: string, change: (value: never) => object) =>
        entries.set(name, `${JSON.stringify(change(JSON.parse(entries.get(name)!) as never))}\n`)
      edit('manifest.json', (manifest: Formatted) => ({ ...manifest, format: 'hansard-data/1' }))
      edit('about.json', (about: Formatted) => ({ ...about, format: more.about ?? 'hansard-data/1' }))
      edit(
        'data/files.jsonl',
        ({ givenName, ...line }: Record<string, unknown>) => more.line?.({ givenName, ...line }) ?? line,
      )
    })

  it('is imported; what its users called their files is not known', async () => {
    const report = await two.importFrom(await asFirst({}))

    expect(report.problems).toEqual([])
    expect(await two.db.knex('file').select('given_name', 'size')).toEqual([{ given_name: null, size: 19 }])
    await two.exportTo(join(directory, 'two.zip'))
    const three = await openPoolInTest('sqlite', 'three')
    expect((await three.importFrom(join(directory, 'two.zip'))).problems).toEqual([])
    expect(await three.db.knex('file').select('given_name')).toEqual([{ given_name: null }])
    await three.close()
  })

  it.each([
    ['a member of the second', { line: (line: object) => line }, /files.jsonl, line 1: .*givenName/],
    ['another format in about.json', { about: 'hansard-data/2' }, /about.json is of the format hansard-data\/2/],
  ])('is refused with %s', async (_, more, words) => {
    const importing = two.importFrom(await asFirst(more))
    await expect(importing).rejects.toThrow(DataFileError)
    await expect(importing).rejects.toThrow(words)
    expect(await two.db.knex('file')).toEqual([])
  })
})
