import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Database, isTransient, openDatabase, withSnapshot } from './index.ts'

let server: SharedPostgres
let db: Database

beforeAll(async () => {
  server = await sharePostgres()
  db = openDatabase({ url: await server.createDatabase('idle') })
  await db.knex.schema.createTable('held', (table) => table.integer('id').primary())
  await db.knex('held').insert({ id: 1 })
})
afterAll(async () => {
  await db.close()
  await server.stop()
})

it('a transaction that stops in the middle loses its locks before others give up waiting for them', async () => {
  const seconds = async (setting: string) => {
    const { rows } = await db.knex.raw('select extract(epoch from current_setting(?)::interval)::int as seconds', [
      setting,
    ])
    return rows[0].seconds as number
  }

  expect(await seconds('idle_in_transaction_session_timeout')).toBeGreaterThan(0)
  expect(await seconds('idle_in_transaction_session_timeout')).toBeLessThan(await seconds('lock_timeout'))
})

it('the server ends a session that is idle in a transaction: the next in line goes on, and the first may retry', async () => {
  const frozen = await db.knex.transaction()
  await frozen.raw('set local idle_in_transaction_session_timeout = 100')
  await frozen('held').where({ id: 1 }).forUpdate()

  await db.knex('held').where({ id: 1 }).update({ id: 2 })

  const failure: unknown = await frozen('held')
    .where({ id: 2 })
    .update({ id: 3 })
    .then(
      () => undefined,
      (error: unknown) => error,
    )
  expect(isTransient(failure)).toBe(true)
  await frozen.rollback().catch(() => {})
  expect(await db.knex('held')).toEqual([{ id: 2 }])
})

it('a snapshot whose reader is slow is not ended', async () => {
  const limit = await withSnapshot(db, async (tx) => {
    const { rows } = await tx.raw("select current_setting('idle_in_transaction_session_timeout') as value")
    return rows[0].value as string
  })

  expect(limit).toBe('10min')
})
