import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sharePostgres } from '@hansard/test-servers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, groupedStatement, groupedTransaction, openDatabase } from './index.ts'

describe.each(['sqlite', 'postgres'] as const)('grouped transactions on %s', (dialect) => {
  let db: Database
  const close: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hansard-grouped-'))
    const server = dialect === 'postgres' ? await sharePostgres() : undefined
    db = openDatabase({ url: server ? await server.createDatabase('x') : `sqlite:${join(directory, 'x.db')}` })
    close.push(
      () => db.close(),
      async () => server?.stop(),
      () => rm(directory, { recursive: true, force: true }),
    )
    await db.knex.schema.createTable('noted', (table) => table.integer('id').primary())
  })
  afterAll(async () => {
    for (const each of close) await each()
  })
  beforeEach(() => db.knex('noted').delete())

  const note = (id: number) =>
    groupedTransaction(db, async (tx) => {
      await tx('noted').insert({ id })
      return id
    })
  const noted = async () => (await db.knex('noted').orderBy('id')).map((row: { id: number }) => row.id)

  it('commit concurrent requests together, and answer each', async () => {
    const ids = Array.from({ length: 40 }, (_, n) => n)

    expect(await Promise.all(ids.map(note))).toEqual(ids)

    expect(await noted()).toEqual(ids)
  })

  it('keep the others when one of them fails half-way', async () => {
    await note(9)
    const failing = groupedTransaction(db, async (tx) => {
      await tx('noted').insert({ id: 2 })
      throw new Error('changed my mind')
    })
    const outcomes = await Promise.allSettled([
      note(1),
      failing,
      note(3),
      groupedStatement(db, (k) => k('noted').insert({ id: 9 })),
      note(4),
    ])

    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
    expect(await noted()).toEqual([1, 3, 4, 9])
  })

  // PostgreSQL groups the commits of its connections itself.
  if (dialect === 'postgres') return

  it('share one commit while the connection is busy', async () => {
    const statements: string[] = []
    const listen = ({ sql }: { sql: string }) => statements.push(sql)
    db.knex.on('query', listen)

    await Promise.all([1, 2, 3, 4, 5].map(note))

    db.knex.off('query', listen)
    expect(statements.filter((sql) => sql.startsWith('COMMIT'))).toHaveLength(1)
  })
})
