import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock, systemClock } from '@hansard/clock'
import { sharePostgres } from '@hansard/test-servers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  assertLease,
  breakLease,
  type Database,
  LeaseLost,
  leaseHeld,
  listLeases,
  openDatabase,
  releaseLease,
  takeLease,
  underLease,
} from './index.ts'

describe.each(['sqlite', 'postgres'] as const)('a leader lease on %s', (dialect) => {
  let db: Database
  let close: () => Promise<void>
  const take = (holder: string, now: number) =>
    takeLease(db, { name: 'work', holder, clock: new ManualClock(now), ttlMs: 100 })

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
      table.bigInteger('length_ms').notNullable().defaultTo(0)
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

  it('taken while the clock was hours ahead lasts at most its length once the clock is right', async () => {
    const ahead = 3 * 3_600_000
    await take('a', 1_000 + ahead)

    // 'b' has a longer lease of its own: the length of the holder's counts.
    const ask = (now: number) =>
      takeLease(db, { name: 'work', holder: 'b', clock: new ManualClock(now), ttlMs: 60_000 })
    expect(await leaseHeld(db, { name: 'work', clock: new ManualClock(1_000) })).toBe(false)
    expect(await ask(1_000)).toBeUndefined()
    expect(await leaseHeld(db, { name: 'work', clock: new ManualClock(1_001) })).toBe(true)
    expect(await ask(1_099)).toBeUndefined()
    expect((await ask(1_100))!.token).toBe(2)
  })

  it('is kept by a holder that renews it while the clock is set back', async () => {
    const first = (await take('a', 1_000 + 3 * 3_600_000))!

    expect(await take('b', 1_000)).toBeUndefined()
    expect(await take('a', 1_010)).toEqual(first)
    expect(await take('b', 1_105)).toBeUndefined()
    expect(await leaseHeld(db, { name: 'work', clock: new ManualClock(1_105) })).toBe(true)
  })

  it('can be broken: the holder is fenced at once, and gets a new token like everybody else', async () => {
    const first = (await take('a', 1_000))!

    expect(await breakLease(db, 'work')).toEqual(first)

    expect(await listLeases(db, new ManualClock(1_000))).toEqual([])
    await expect(underLease(db, first, (tx) => tx('done').insert({ by: 'a' }))).rejects.toThrow(LeaseLost)
    expect((await take('a', 1_001))!.token).toBeGreaterThan(first.token)
    expect(await breakLease(db, 'work')).toMatchObject({ holder: 'a' })
    expect((await take('b', 1_002))!.holder).toBe('b')
    expect(await breakLease(db, 'nobody has it')).toBeUndefined()
  })

  it('is listed with the time it has left, never more than its length', async () => {
    await take('a', 1_000)

    const listed = async (now: number) => (await listLeases(db, new ManualClock(now)))[0]!.expiresInMs
    expect(await listed(1_030)).toBe(70)
    expect(await listed(1_150)).toBe(-50)
    expect(await listed(0)).toBe(100)
  })
})

it('PostgreSQL: of two that ask at once for a lease that has expired, one gets it', async () => {
  const server = await sharePostgres()
  const db = openDatabase({ url: await server.createDatabase('leases') })
  try {
    await db.knex.schema.createTable('lease', (table) => {
      table.text('name').primary()
      table.text('holder').notNullable()
      table.bigInteger('token').notNullable()
      table.bigInteger('expires_at').notNullable()
      table.bigInteger('length_ms').notNullable()
    })
    const take = (holder: string, now: number) =>
      takeLease(db, { name: 'work', holder, clock: new ManualClock(now), ttlMs: 100 })
    await take('a', 1_000)
    // Both have asked before either can be told.
    const held = await db.knex.transaction()
    await held('lease').where({ name: 'work' }).update({ length_ms: 100 })
    let answered = 0
    const asking = ['b', 'c'].map((holder) => take(holder, 1_100).finally(() => (answered += 1)))
    const waiting = async () =>
      (await held('pg_stat_activity').whereRaw("datname = current_database() and wait_event_type = 'Lock'")).length
    while ((await waiting()) < 2 && answered === 0);
    await held.commit()

    const taken = (await Promise.all(asking)).filter((lease) => lease !== undefined)
    expect(taken).toMatchObject([{ token: 2 }])
    expect(await db.knex('lease').first('holder', 'token')).toEqual({ holder: taken[0]!.holder, token: 2 })
  } finally {
    await db.close()
    await server.stop()
  }
})

it('PostgreSQL: leases expire by the clock of the server, not by those of the processes', async () => {
  const server = await sharePostgres()
  const db = openDatabase({ url: await server.createDatabase('leases') })
  try {
    await db.knex.schema.createTable('lease', (table) => {
      table.text('name').primary()
      table.text('holder').notNullable()
      table.bigInteger('token').notNullable()
      table.bigInteger('expires_at').notNullable()
      table.bigInteger('length_ms').notNullable()
    })
    const off = (ms: number) => ({ ...systemClock, now: () => systemClock.now() + ms })
    const take = (holder: string, ms: number) => takeLease(db, { name: 'work', holder, clock: off(ms), ttlMs: 60_000 })

    expect(await take('an hour behind', -3_600_000)).toBeDefined()
    expect(await take('a day ahead', 86_400_000)).toBeUndefined()
    expect(await leaseHeld(db, { name: 'work', clock: off(86_400_000) })).toBe(true)
    const [standing] = await listLeases(db, off(86_400_000))
    expect(standing!.expiresInMs).toBeGreaterThan(0)
    expect(standing!.expiresInMs).toBeLessThanOrEqual(60_000)
  } finally {
    await db.close()
    await server.stop()
  }
})
