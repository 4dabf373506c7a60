import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sharePostgres } from '@hansard/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, keyedRead, openDatabase, withPostgres } from './index.ts'

const byId = keyedRead<number, { id: number; name: string }>({
  name: 'test-by-id',
  keys: 'int',
  text: 'select id, name from person where id in (:keys) order by id',
})
const byName = keyedRead<string, { id: number }>({
  name: 'test-by-name',
  keys: 'text',
  text: 'select id from person where name in (:keys) or name in (:keys) order by id',
})

describe.each(['sqlite', 'postgres'] as const)('a keyed read on %s', (dialect) => {
  let db: Database
  const close: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hansard-keyed-read-'))
    const server = dialect === 'postgres' ? await sharePostgres() : undefined
    db = openDatabase({ url: server ? await server.createDatabase('x') : `sqlite:${join(directory, 'x.db')}` })
    close.push(
      () => db.close(),
      async () => server?.stop(),
      () => rm(directory, { recursive: true, force: true }),
    )
    await db.knex.schema.createTable('person', (table) => {
      table.integer('id').primary()
      table.text('name')
    })
    await db.knex('person').insert([
      { id: 1, name: 'Ann' },
      { id: 2, name: `O'Brien, "Bob" \\ {}` },
      { id: 3, name: 'Zoë 🏇' },
    ])
  })
  afterAll(async () => {
    for (const each of close) await each()
  })

  it('returns the rows of any number of keys, outside and inside a transaction', async () => {
    for (const run of [
      (work: (on: Parameters<typeof byId>[0]) => Promise<unknown>) => work(db),
      (work: (on: Parameters<typeof byId>[0]) => Promise<unknown>) => db.knex.transaction((tx) => work(tx)),
    ]) {
      expect(await run((on) => byId(on, [3, 1, 4]))).toEqual([
        { id: 1, name: 'Ann' },
        { id: 3, name: 'Zoë 🏇' },
      ])
      expect(await run((on) => byId(on, []))).toEqual([])
      expect(await run((on) => byName(on, [`O'Brien, "Bob" \\ {}`, 'Zoë 🏇', 'nobody']))).toEqual([
        { id: 2 },
        { id: 3 },
      ])
    }
  })

  it('takes duplicates, and finds nothing for what no row can hold', async () => {
    expect(await byId(db, [1, 1, 3, 1])).toHaveLength(2)
    expect(await byName(db, ['', 'NULL', 'null', '{Ann}', '["Ann"]', '\ud800', 'ann'])).toEqual([])
    await db.knex('person').insert([
      { id: 10, name: null },
      { id: 11, name: '' },
    ])
    expect(await byName(db, ['', 'NULL'])).toEqual([{ id: 11 }])
    expect(await byId(db, [10])).toEqual([{ id: 10, name: null }])
    await db.knex('person').whereIn('id', [10, 11]).delete()
  })

  it('reads inside a transaction what that transaction has written', async () => {
    await db.knex
      .transaction(async (tx) => {
        await tx('person').insert({ id: 9, name: 'new' })
        expect(await byId(tx, [9])).toEqual([{ id: 9, name: 'new' }])
        throw new Error('roll back')
      })
      .catch(() => {})
    expect(await byId(db, [9])).toEqual([])
  })

  it('goes on when a column is added to its table', async () => {
    await byId(db, [1])
    await db.knex.schema.alterTable('person', (table) => table.text('added'))

    expect(await byId(db, [1])).toEqual([{ id: 1, name: 'Ann' }])
  })

  if (dialect === 'sqlite') return

  it('uses an index, also with a plan that was made while the table was small', async () => {
    await db.knex.schema.createTable('chair', (table) => {
      table.integer('id').primary()
      table.text('pad')
    })
    const chairs = keyedRead<number, { id: number }>({
      name: 'test-chairs',
      keys: 'int',
      text: 'select id from chair where id in (:keys)',
    })
    await db.knex('chair').insert({ id: 0, pad: '' })
    await db.knex.raw('analyze chair')
    await chairs(db, [1])
    await db.knex.raw(`insert into chair select n, repeat('x', 200) from generate_series(1, 5000) as n`)

    const plan = await withPostgres(db, (client) => client.query(`explain execute "test-chairs"('{1,2}')`))

    const lines = plan.rows.map((row) => row['QUERY PLAN'] as string)
    expect(lines.join('\n')).toMatch(/Index|Bitmap/)
    expect(lines.join('\n')).not.toContain('Seq Scan')
  })

  it('does not wait for a compiler, on either kind of connection', async () => {
    const jit = `select current_setting('jit') as jit`

    expect((await db.knex.raw(jit)).rows).toEqual([{ jit: 'off' }])
    expect((await withPostgres(db, (client) => client.query(jit))).rows).toEqual([{ jit: 'off' }])
  })

  it('is planned once', async () => {
    for (let n = 0; n < 10; n += 1) await byId(db, [n])

    const plans = await withPostgres(db, (client) =>
      client.query(`select generic_plans, custom_plans from pg_prepared_statements where name = 'test-by-id'`),
    )
    expect(plans.rows).toEqual([{ generic_plans: expect.any(Number), custom_plans: 0 }])
  })
})
