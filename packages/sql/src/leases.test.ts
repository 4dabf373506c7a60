import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sharePostgres } from '@hansard/test-servers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { assertLease, type Database, LeaseLost, openDatabase, releaseLease, takeLease, underLease } from './index.ts'

describe.each(['sqlite', 'postgres'] as const)('a leader lease on %s', (dialect) => {
  let db: Database
  let close: () => Promise<void>
  const take = (holder: string, now: number) => takeLease(db, { name: 'work', holder, now, ttlMs: 100 })

  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hansard-leases-'))
    const server = dialect === 'postgres' ? await sharePostgres() : undefined
    db = openDatabase({ url: server ? await server.createDatabase('leases') : `sqlite:${join(directory, 'x.db')}` })
    close = async () => {
      await db.close()
      await server?.stop()
      await rm(directory, { recursive: true })
    }
    await db.knex.schema.createTable('lease', (table) => {
      table.text('name').primary()
      table.text('holder').notNullable()
      table.bigInteger('token').notNullable()
      table.bigInteger('expires_at').notNullable()
    })
    await db.knex.schema.createTable('done', (table) => table.text('by').notNullable())
  })
  afterAll(() => close?.())
  beforeEach(async () => {
    await db.knex('lease').delete()
    await db.knex('done').delete()
  })

  it('has one holder until it expires, and a greater token with each change of holder', async () => {
    const first = (await take('a', 1_000))!

    expect(first).toEqual({ name: 'work', holder: 'a', token: 1 })
    expect(await take('b', 1_099)).toBeUndefined()
    expect(await take('a', 1_050)).toEqual(first)
    expect(await take('b', 1_149)).toBeUndefined()
    expect(await take('b', 1_150)).toEqual({ name: 'work', holder: 'b', token: 2 })
    expect(await take('a', 1_151)).toBeUndefined()
  })

  it('passes at once to the next holder when it is released, and only its holder can release it', async () => {
    const first = (await take('a', 1_000))!
    await releaseLease(db, { ...first, token: 7 })
    expect(await take('b', 1_001)).toBeUndefined()

    await releaseLease(db, first)

    expect((await take('b', 1_001))!.token).toBe(2)
  })

  it('fences a holder that was replaced: its transaction is rolled back', async () => {
    const first = (await take('a', 1_000))!
    await underLease(db, first, async (tx) => void (await tx('done').insert({ by: 'a' })))
    const second = (await take('b', 2_000))!

    await expect(underLease(db, first, (tx) => tx('done').insert({ by: 'a too late' }))).rejects.toThrow(LeaseLost)
    await expect(assertLease(db, first)).rejects.toThrow(LeaseLost)
    await assertLease(db, second)

    expect(await db.knex('done').select('by')).toEqual([{ by: 'a' }])
  })
})
