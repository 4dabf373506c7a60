import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deleteFromOutbox, noteStagedThrough, outboxDepth } from '../index.ts'
import { openStoreInTest, type StoreInTest } from '../store-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('the depth of the outbox on %s', (dialect) => {
  let store: StoreInTest
  beforeAll(async () => {
    store = await openStoreInTest(dialect)
  })
  afterAll(() => store.close())

  const fill = async (source: string, epoch: number, rows: number, from: number) => {
    const row = (seq: number) => ({ source, epoch, seq, at: from + seq, body: '{}', head: 'h' })
    for (let seq = 1; seq <= rows; seq += 500) {
      const some = Array.from({ length: Math.min(500, rows - seq + 1) }, (_, n) => row(seq + n))
      await store.db.knex('outbox').insert(some)
    }
  }

  it('is zero when nothing waits', async () => {
    expect(await outboxDepth(store.db)).toEqual({ rows: 0, oldestAt: null })
  })

  it('counts every source and epoch, minus deleted rows', async () => {
    await fill('channel-1', 1, 3, 5_000)
    await fill('channel-1', 2, 2_000, 6_000)
    await fill('channel-10', 1, 700, 4_000)
    await fill('files-1', 7, 1, 9_000)
    const rows = Array.from({ length: 200 }, (_, n) => ({ seq: n + 1, head: 'h' }))
    await deleteFromOutbox(store.db, { source: 'channel-10', epoch: 1, rows })

    expect(await outboxDepth(store.db)).toEqual({ rows: 3 + 2_000 + 500 + 1, oldestAt: 4_201 })
    const { count } = (await store.db.knex('outbox').count('* as count').first()) as { count: number }
    expect(Number(count)).toBe(2_504)
  })

  it('does not count rows that are kept although they are staged', async () => {
    const staged = { source: 'channel-1', epoch: 2, throughSeq: 1_990 }
    await noteStagedThrough(store.db, [staged, { source: 'files-1', epoch: 7, throughSeq: 1 }])
    expect(await outboxDepth(store.db)).toEqual({ rows: 3 + 10 + 500, oldestAt: 4_201 })
    await noteStagedThrough(store.db, [{ source: 'channel-10', epoch: 1, throughSeq: 200 }])
    await noteStagedThrough(store.db, [{ ...staged, throughSeq: 1_900 }])
    expect(await outboxDepth(store.db)).toEqual({ rows: 3 + 100 + 500, oldestAt: 4_201 })
  })

  it('is computed by key, without reading the rows', async () => {
    await store.db.knex.raw('analyze outbox')
    const queries: { sql: string; bindings: readonly unknown[] }[] = []
    const listen = (query: { sql: string; bindings: readonly unknown[] }) => queries.push(query)
    store.db.knex.on('query', listen)
    await outboxDepth(store.db)
    store.db.knex.off('query', listen)

    // Five per source, one for the end, and one more for each source without a further epoch.
    expect(queries.length).toBeLessThanOrEqual(6 * 4)
    const plans = await Promise.all(
      queries.map(async ({ sql, bindings }) => {
        const explain = dialect === 'sqlite' ? 'explain query plan' : 'explain'
        const text = dialect === 'sqlite' ? sql : sql.replace(/\$\d+/g, '?')
        return JSON.stringify(await store.db.knex.raw(`${explain} ${text}`, bindings as string[]))
      }),
    )
    for (const plan of plans) {
      if (dialect === 'sqlite') expect(plan).toMatch(/USING (COVERING )?INDEX|USING PRIMARY KEY/)
      else expect(plan).not.toContain('Seq Scan')
      expect(plan).not.toMatch(/TEMP B-TREE|"Sort"/)
    }
  })
})

describe.each(['sqlite', 'postgres'] as const)('emptying the outbox on %s', (dialect) => {
  it('deletes only rows that still have the head that was read', async () => {
    const store = await openStoreInTest(dialect)
    try {
      const { knex } = store.db
      const row = { source: 'channel-1', epoch: 1, at: 1, body: '{}' }
      await knex('outbox').insert([1, 2, 3, 4].map((seq) => ({ ...row, seq, head: `h${seq}` })))
      await knex('outbox').insert({ ...row, source: 'channel-2', seq: 1, head: 'h1' })

      const read = [1, 2, 3].map((seq) => ({ seq, head: seq === 2 ? 'of another branch' : `h${seq}` }))
      await deleteFromOutbox(store.db, { source: 'channel-1', epoch: 1, rows: read })

      const left = await knex('outbox').orderBy(['source', 'seq']).select('source', 'seq')
      expect(left.map(({ source, seq }) => `${source} ${seq}`)).toEqual(['channel-1 2', 'channel-1 4', 'channel-2 1'])
    } finally {
      await store.close()
    }
  })
})
