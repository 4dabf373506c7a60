import { startBreakableProxy, startPostgres, startPostgresStandby } from '@hansard/test-servers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Database, isTransient, type Knex, openDatabase, withPostgres } from './index.ts'

const until = { timeout: 30_000, interval: 20 }
const close: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const each of close.splice(0).reverse()) await each()
})

/** Does `work` on five connections, all held at the same time. */
async function atOnce<T>(db: Database, work: (tx: Knex.Transaction) => Promise<T>): Promise<T[]> {
  const held = await Promise.all(Array.from({ length: 5 }, () => db.knex.transaction()))
  const results = await Promise.all(held.map(work))
  await Promise.all(held.map((tx) => tx.rollback()))
  return results
}

/** A pool of open connections, each used by a different entry point. */
async function withStandingConnections(url: string): Promise<{ db: Database; note: (id: number) => Promise<void>[] }> {
  const db = openDatabase({ url })
  close.push(() => db.close())
  await db.knex.schema.createTable('noted', (table) => table.integer('id'))
  await atOnce(db, async () => {})
  const note = (id: number): Promise<void>[] => [
    db
      .knex('noted')
      .insert({ id })
      .then(() => {}),
    db.knex.transaction((tx) => tx('noted').insert({ id })).then(() => {}),
    withPostgres(db, (client) => client.query('insert into noted values ($1)', [id])).then(() => {}),
  ]
  return { db, note }
}

const transient = (results: PromiseSettledResult<void>[]) =>
  results.map((result) => result.status === 'rejected' && isTransient(result.reason))

describe('after a failover', () => {
  it('writes go to the promoted standby, although connections to the old primary are still open', async () => {
    const primary = await startPostgres()
    close.push(() => primary.stop())
    const proxy = await startBreakableProxy(await primary.createDatabase('x'))
    close.push(() => proxy.stop())
    const { db, note } = await withStandingConnections(proxy.url)
    const standby = await startPostgresStandby({ of: primary })
    close.push(() => standby.stop())
    await Promise.all(note(1))

    await primary.setParameter('default_transaction_read_only', 'on')
    await standby.promote()
    proxy.leadTo(standby.urlOf('x'))
    await vi.waitFor(async () => expect(transient(await Promise.allSettled(note(2)))).toContain(true), until)

    // One failure marks all connections as stale: the next attempt gets none of them.
    expect(await Promise.allSettled(note(3))).toEqual(Array(3).fill({ status: 'fulfilled', value: undefined }))
    expect(await db.knex('noted').where({ id: 3 })).toHaveLength(3)
  })

  it('a server that accepts no writes is not used until it does', async () => {
    const server = await startPostgres()
    close.push(() => server.stop())
    const { db, note } = await withStandingConnections(await server.createDatabase('x'))

    await server.setParameter('default_transaction_read_only', 'on')
    await vi.waitFor(
      async () => expect(transient(await Promise.allSettled(note(1)))).toEqual([true, true, true]),
      until,
    )
    await expect(db.knex('noted').first()).rejects.toMatchObject({ name: 'ReadOnlyServer', code: '25006' })
    await server.setParameter('default_transaction_read_only', undefined)

    await vi.waitFor(() => Promise.all(note(2)), until)
  })

  it.each(['57P01', '08006'])('connections older than one that ended (%s) are not used again', async (code) => {
    const server = await startPostgres()
    close.push(() => server.stop())
    const { db } = await withStandingConnections(await server.createDatabase('x'))
    const pid = 'select pg_backend_pid() as pid'
    const sessions = async () => {
      const ofKnex = await atOnce(db, async (tx) => (await tx.raw(pid)).rows[0].pid as number)
      const prepared = await withPostgres(db, async (client) => (await client.query(pid)).rows[0].pid as number)
      return new Set([...ofKnex, prepared])
    }
    const gone = `do $$ begin raise exception 'gone' using errcode = '${code}'; end $$`

    // The connections of knex and of `withPostgres` reach the same server: a failure of one concerns both.
    for (const fail of [() => db.knex.raw(gone), () => withPostgres(db, (client) => client.query(gone))]) {
      const before = await sessions()
      await expect(fail()).rejects.toMatchObject({ code })
      expect([...(await sessions())].filter((session) => before.has(session))).toEqual([])
    }
  })
})

it('retries a transaction that the server rolled back in favour of another', async () => {
  const server = await startPostgres()
  close.push(() => server.stop())
  const { db } = await withStandingConnections(await server.createDatabase('x'))
  await db.knex('noted').insert([{ id: 1 }, { id: 2 }])
  let attempts = 0
  const locked: (() => void)[] = []
  /** Two transactions that each lock one row and request the other's. */
  const both = new Promise<void>((resolve) => {
    locked.push(() => locked.length === 3 && resolve())
  })
  const lock = ([first, second]: [number, number]) =>
    withPostgres(db, async (client) => {
      attempts += 1
      await client.query('begin')
      try {
        await client.query('select 1 from noted where id = $1 for update', [first])
        locked.push(() => {})
        locked[0]!()
        await both
        await client.query('select 1 from noted where id = $1 for update', [second])
        await client.query('commit')
      } catch (error) {
        await client.query('rollback')
        throw error
      }
    })

  await Promise.all([lock([1, 2]), lock([2, 1])])

  expect(attempts).toBeGreaterThan(2)
})
