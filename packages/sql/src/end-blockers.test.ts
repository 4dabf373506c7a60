import { ManualClock } from '@hansard/clock'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { freezeInTransaction } from './frozen-process-in-test.ts'
import { breakLease, type Database, endingBlockers, openDatabase, takeLease } from './index.ts'

let server: SharedPostgres
let url: string
let db: Database
beforeAll(async () => {
  server = await sharePostgres()
  url = await server.createDatabase('blockers')
  db = openDatabase({ url })
  await db.knex.schema.createTable('held', (table) => {
    table.integer('id').primary()
    table.text('by').notNullable()
  })
  await db.knex.raw(
    'create table lease (name text primary key, holder text, token bigint, expires_at bigint, length_ms bigint)',
  )
})
afterAll(async () => {
  await db.close()
  await server.stop()
})
beforeEach(async () => {
  await db.knex('held').delete()
  await db.knex('held').insert({ id: 1, by: 'nobody' })
})

const FROZEN = `update held set by = 'frozen' where id = 1`

/**
 * Says who was ended: the server itself ends a session only after eight seconds, and a waiter gives up after fifteen.
 */
const sessionsOfFrozen = async () =>
  (await db.knex('pg_stat_activity').where({ application_name: 'frozen' }).whereLike('query', '%held%')).length

it('a process stopped inside a transaction does not keep out the one that replaces it', async () => {
  await using frozen = await freezeInTransaction(url, FROZEN)
  expect(await sessionsOfFrozen()).toBe(1)

  // Two wait for one row: the one behind the other finds the one that blocks both.
  await Promise.all(
    ['one', 'two'].map((by) =>
      endingBlockers(db, async (tx) => {
        await tx.raw(`set local lock_timeout = '6s'`)
        await tx('held').where({ id: 1 }).update({ by })
      }),
    ),
  )

  expect(await sessionsOfFrozen()).toBe(0)
  frozen.kill('SIGCONT')
  expect((await db.knex('held').first()).by).toMatch(/one|two/)
})

it('leaves a session alone that works, and waits for it', async () => {
  const working = db.knex.transaction(async (tx) => {
    await tx('held').where({ id: 1 }).update({ by: 'working' })
    await tx.raw('select pg_sleep(2)')
  })
  await endingBlockers(db, async (tx) => void (await tx('held').where({ id: 1 }).update({ by: 'successor' })))

  await working
  expect((await db.knex('held').first()).by).toBe('successor')
})

it('a lease can be broken although its holder is stopped in a transaction under it', async () => {
  const lease = (await takeLease(db, { name: 'work', holder: 'a', clock: new ManualClock(1_000), ttlMs: 100 }))!
  await using _frozen = await freezeInTransaction(
    url,
    `select set_config('idle_in_transaction_session_timeout', '0', true) from lease where name = 'work' for share`,
  )

  expect(await breakLease(db, 'work')).toEqual(lease)
})

it('both kinds of connections have the limits that free what a vanished host holds', async () => {
  const settings = ['idle_in_transaction_session_timeout', 'lock_timeout', 'statement_timeout']
  const tcp = ['tcp_user_timeout', 'tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count']
  for (const client of [db.knex.client, db.prepared]) {
    const connection = await client.acquireConnection()
    try {
      for (const name of [...settings, ...tcp]) {
        const { rows } = await connection.query('select setting::int as value from pg_settings where name = $1', [name])
        // A Unix socket has no TCP; there the server answers 0.
        if (!tcp.includes(name) || !/^postgres.*(%2F|host=\/)/i.test(url))
          expect([name, rows[0].value]).not.toEqual([name, 0])
      }
    } finally {
      await client.releaseConnection(connection)
    }
  }
})
