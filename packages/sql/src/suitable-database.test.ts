import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PostgresServer, startPgBouncer, startPostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Database, migrate, openDatabase, withPostgres } from './index.ts'
import { UnsuitableDatabase } from './suitable-database.ts'

let postgres: PostgresServer
const close: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres.stop())
afterEach(async () => {
  for (const each of close.splice(0).reverse()) await each()
})

function open(url: string): Database {
  const db = openDatabase({ url })
  close.push(() => db.close())
  return db
}

describe('a database', () => {
  it.each(['LATIN1', 'SQL_ASCII', 'EUC_JP'])('in %s is refused, and nothing is created in it', async (encoding) => {
    const name = `in_${encoding.toLowerCase()}`
    const db = open(await postgres.createDatabase(name, { encoding }))

    const refused = expect(migrate(db, [])).rejects
    await refused.toThrow(UnsuitableDatabase)
    await expect(migrate(db, [])).rejects.toThrow(`The database ${name} is encoded in ${encoding}; it must be UTF8.`)
    expect(await db.knex.schema.hasTable('schema_migration')).toBe(false)
  })

  it('in a SQLite file that is not in UTF-8 is refused', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hansard-encoding-'))
    close.push(() => rm(directory, { recursive: true }))
    const db = open(`sqlite:${join(directory, 'x.db')}`)
    await db.knex.raw(`pragma encoding = 'UTF-16le'`)
    await db.knex.schema.createTable('made_before', (table) => table.integer('id'))

    await expect(migrate(db, [])).rejects.toThrow('The database is encoded in UTF-16le; it must be UTF-8.')
  })

  it('behind PgBouncer in transaction mode is refused, with the setting to change', async () => {
    const url = await postgres.createDatabase('by_transaction')
    const bouncer = await startPgBouncer({ url, poolMode: 'transaction' })
    close.push(() => bouncer.stop())
    const db = open(bouncer.urlOf('by_transaction'))

    await expect(migrate(db, [])).rejects.toThrow(/Set PgBouncer's pool_mode to session/)
  })

  it('behind PgBouncer in session mode with Debian’s settings works, prepared statements included', async () => {
    const url = await postgres.createDatabase('by_session')
    const bouncer = await startPgBouncer({ url, poolMode: 'session' })
    close.push(() => bouncer.stop())
    const db = open(bouncer.urlOf('by_session'))

    await migrate(db, [{ name: 'one', up: (tx) => tx.schema.createTable('one', (table) => table.text('text')) }])
    const post = (text: string) =>
      withPostgres(db, (client) => client.query({ name: 'add', text: 'insert into one values ($1)', values: [text] }))
    for (let n = 0; n < 5; n += 1) await Promise.all(['250 €', 'zoë', 'plain'].map(post))

    expect(await db.knex('one').where({ text: '250 €' })).toHaveLength(5)
    const [timeout] = (await db.knex.raw('show statement_timeout')).rows as { statement_timeout: string }[]
    expect(timeout).toEqual({ statement_timeout: '2min' })
  })
})
