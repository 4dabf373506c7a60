import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Database, isTransient, openDatabase, withSqlite } from './index.ts'

let directory: string
let other: Sqlite.Database
let db: Database

async function open(options: { busyMs?: number } = {}): Promise<void> {
  const file = join(directory, 'x.db')
  db = openDatabase({ url: `sqlite:${file}`, ...options })
  await db.knex.schema.createTable('noted', (table) => table.integer('id').primary())
  await db.knex('noted').insert({ id: 0 })
  // Simulates another program: a connection of its own that never waits.
  other = new Sqlite(file, { timeout: 0 })
}
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hansard-busy-'))
})
afterEach(async () => {
  other.close()
  await db.close()
  await rm(directory, { recursive: true })
})

/** Every way to write. */
const writes = () => [
  db.knex('noted').insert({ id: 1 }),
  db.knex.transaction((tx) => tx('noted').insert({ id: 2 })),
  withSqlite(db, (handle) => handle.transaction(() => handle.exec('insert into noted values (3)')).immediate()),
]

describe('while another program holds the write lock of a SQLite file', () => {
  it('writers wait, and readers and the event loop continue', async () => {
    await open()
    other.exec('begin immediate')
    let written = 0
    const writing = writes().map((write) => write.then(() => (written += 1)))

    let rounds = 0
    for (; rounds < 50; rounds += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      expect(await db.knex('noted').select('id')).toEqual([{ id: 0 }])
    }
    expect(written).toBe(0)
    other.exec('rollback')
    await Promise.all(writing)

    expect((await db.knex('noted').select('id')).map(({ id }) => id).sort()).toEqual([0, 1, 2, 3])
  })

  it('writers give up after their limit, with nothing written, and may retry', async () => {
    await open({ busyMs: 20 })
    other.exec('begin immediate')

    const outcomes = await Promise.allSettled(writes())
    expect(outcomes.map((each) => each.status === 'rejected' && isTransient(each.reason))).toEqual([true, true, true])
    other.exec('rollback')

    expect(await db.knex('noted').select('id')).toEqual([{ id: 0 }])
    await Promise.all(writes())
  })

  it('a busy error after the begin of a transaction is not retried', async () => {
    await open()
    let begun = 0

    const failing = db.knex.transaction(async (tx) => {
      begun += 1
      await tx('noted').insert({ id: 1 })
      throw Object.assign(new Error('another database is busy'), { code: 'SQLITE_BUSY' })
    })

    await expect(failing).rejects.toThrow('another database is busy')
    expect(begun).toBe(1)
    expect(await db.knex('noted').select('id')).toEqual([{ id: 0 }])
  })

  it('a retried statement waits for the connection, and is not part of a transaction that holds it', async () => {
    await open()
    other.exec('begin immediate')
    let written = false
    const insert = db.knex('noted').insert({ id: 1 })
    const foundLocked = new Promise((resolve) => insert.on('query-error', resolve))
    const writing = insert.then(() => {
      written = true
    })
    await foundLocked
    other.exec('rollback')

    const rolledBack = db.knex.transaction(async (tx) => {
      await tx('noted').insert({ id: 2 })
      // The retry either waits for the connection, or has written without it.
      await vi.waitFor(() => expect(written || db.knex.client.pool.numPendingAcquires() > 0).toBe(true), {
        timeout: 10_000,
        interval: 5,
      })
      expect(written).toBe(false)
      throw new Error('no')
    })

    await expect(rolledBack).rejects.toThrow('no')
    await writing
    expect(await db.knex('noted').select('id').orderBy('id')).toEqual([{ id: 0 }, { id: 1 }])
  })

  it('a transaction within a transaction is a savepoint of it', async () => {
    await open()

    await db.knex.transaction(async (tx) => {
      await tx('noted').insert({ id: 1 })
      await tx.transaction((inner) => inner('noted').insert({ id: 2 }))
      const failing = tx.transaction(async (inner) => {
        await inner('noted').insert({ id: 3 })
        throw new Error('no')
      })
      await failing.catch(() => {})
    })

    expect((await db.knex('noted').select('id')).map(({ id }) => id).sort()).toEqual([0, 1, 2])
  })
})
