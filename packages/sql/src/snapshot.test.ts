import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sharePostgres } from '@hansard/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase, withSnapshot } from './index.ts'

describe.each(['sqlite', 'postgres'] as const)('a snapshot on %s', (dialect) => {
  let db: Database
  const close: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hansard-snapshot-'))
    const server = dialect === 'postgres' ? await sharePostgres() : undefined
    db = openDatabase({ url: server ? await server.createDatabase('x') : `sqlite:${join(directory, 'x.db')}` })
    close.push(
      () => db.close(),
      async () => server?.stop(),
      () => rm(directory, { recursive: true, force: true }),
    )
    await db.knex.schema.createTable('counted', (table) => table.integer('id').primary())
    await db.knex('counted').insert({ id: 1 })
  })
  afterAll(async () => {
    for (const each of close) await each()
  })

  it('is consistent across its statements, while others write and nobody waits', async () => {
    const seen = await withSnapshot(db, async (tx) => {
      const before = await tx('counted').select('id')
      await db.knex.transaction((writing) => writing('counted').insert({ id: 2 }))
      return [before, await tx('counted').select('id')]
    })

    expect(seen).toEqual([[{ id: 1 }], [{ id: 1 }]])
    expect(await db.knex('counted')).toHaveLength(2)
  })

  it('cannot write', async () => {
    await expect(withSnapshot(db, (tx) => tx('counted').insert({ id: 3 }))).rejects.toThrow(/read-?only/)
    await expect(withSnapshot(db, (tx) => tx('counted').delete())).rejects.toThrow(/read-?only/)
    expect(await db.knex('counted').where({ id: 3 })).toEqual([])
  })

  it('releases its connection however its work ends', async () => {
    for (let n = 0; n < 20; n += 1) {
      const failing = withSnapshot(db, () => Promise.reject(new Error('no')))
      await expect(failing).rejects.toThrow('no')
    }
    expect(await withSnapshot(db, (tx) => tx('counted').where({ id: 1 }))).toEqual([{ id: 1 }])
  })
})
