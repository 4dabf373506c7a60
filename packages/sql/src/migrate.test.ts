import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, type Migration, migrate, openDatabase } from './index.ts'
import { MigrationError } from './migrate.ts'

let postgres: SharedPostgres
let databases = 0
beforeAll(async () => {
  postgres = await sharePostgres()
})
afterAll(() => postgres.stop())

const table = (name: string): Migration => ({
  name,
  up: (tx) => tx.schema.createTable(name, (columns) => columns.integer('id').primary()),
})
const broken: Migration = {
  name: 'broken',
  async up(tx) {
    await tx.schema.createTable('half', (columns) => columns.integer('id'))
    throw new Error('the power went')
  },
}

describe.each(['sqlite', 'postgres'] as const)('migrations on %s', (dialect) => {
  let directory: string
  let url: string
  const open: Database[] = []
  const database = () => {
    const db = openDatabase({ url })
    open.push(db)
    return db
  }

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-migrate-'))
    url =
      dialect === 'sqlite'
        ? `sqlite:${join(directory, 'x.db')}`
        : await postgres.createDatabase(`migrate_${++databases}`)
  })
  afterEach(async () => {
    for (const db of open.splice(0)) await db.close()
    await rm(directory, { recursive: true })
  })

  it('apply the missing ones, once, in order', async () => {
    const db = database()
    await migrate(db, [table('one')])
    await db.knex('one').insert({ id: 1 })

    await migrate(db, [table('one'), table('two'), table('three')])
    await migrate(db, [table('one'), table('two'), table('three')])

    expect(await db.knex('one')).toEqual([{ id: 1 }])
    expect(await db.knex('schema_migration').orderBy('version')).toEqual([
      { version: 1, name: 'one' },
      { version: 2, name: 'two' },
      { version: 3, name: 'three' },
    ])
  })

  it('may be run by several services concurrently', async () => {
    const db = database()
    // Two connections of one thread to one SQLite file would deadlock: here the three migrations share one
    // connection.
    const services = dialect === 'sqlite' ? [db, db, db] : [db, database(), database()]

    await Promise.all(services.map((each) => migrate(each, [table('one'), table('two')])))

    expect(await db.knex('schema_migration')).toHaveLength(2)
  })

  it('leave no trace when one of them fails, and can be retried', async () => {
    const db = database()
    await migrate(db, [table('one')])

    await expect(migrate(db, [table('one'), table('two'), broken])).rejects.toThrow('the power went')

    expect(await db.knex.schema.hasTable('two')).toBe(false)
    expect(await db.knex.schema.hasTable('half')).toBe(false)
    await migrate(db, [table('one'), table('two')])
    expect(await db.knex.schema.hasTable('two')).toBe(true)
  })

  it('refuse a database newer than the program', async () => {
    const db = database()
    await migrate(db, [table('one'), table('two')])

    await expect(migrate(db, [table('one')])).rejects.toThrow(MigrationError)
  })

  it('refuse a database of another product', async () => {
    const db = database()
    await migrate(db, [table('one')])

    await expect(migrate(db, [table('uno'), table('two')])).rejects.toThrow(/"one", not "uno"/)
    expect(await db.knex.schema.hasTable('two')).toBe(false)
  })
})
