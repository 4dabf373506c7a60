import { ManualClock } from '@hansard/clock'
import { type Database, type Lease, takeLease } from '@hansard/sql'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MINUTE, T0, T1, T2 } from './exports-in-test.ts'
import {
  closeInterval,
  EXPORTER_LEASE,
  openInterval,
  recordSourceProgress,
  stagedThrough,
  stageEvents,
} from './index.ts'
import { CLOSING_LOCK } from './stage-rules.ts'
import { COMPLIANCE } from './testing/databases-in-test.ts'
import { compliancePostgres, type ScriptedPool, scriptedPool } from './testing/index.ts'
import { roomUri } from './testing/scripted-pool.ts'
import { waitsOrDone } from './waits-in-test.ts'

describe('on PostgreSQL', () => {
  let server: SharedPostgres
  let db: Database
  let lease: Lease
  let pool: ScriptedPool
  beforeAll(async () => {
    server = await sharePostgres()
  })
  afterAll(() => server.stop())
  beforeEach(async () => {
    db = await compliancePostgres(await server.createDatabase('locks', COMPLIANCE))
    pool = scriptedPool()
    const clock = new ManualClock(T0)
    lease = (await takeLease(db, { name: EXPORTER_LEASE, holder: 'w1', clock, ttlMs: 10_000 }))!
  })
  afterEach(() => db.close())

  /** Staging of an event in this room stops in the middle of its transaction, until the returned function is called. */
  const blockStagingIn = async (room: string) => {
    const other = await db.knex.transaction()
    await other('staged_room').insert({ uri: roomUri(room) })
    return () => other.rollback()
  }
  const closed = async () => (await db.knex('closed_interval').orderBy('number').select('number')).length

  it('an interval closes only after the staging under way, and decides again what that has brought', async () => {
    const known = pool.source('chat-1', { startedAt: T0 })
    known.reports(T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    const interval = (await openInterval(db, { runIntervalMs: MINUTE }))!
    const stranger = scriptedPool().source('chat-2', { startedAt: T0 })
    stranger.says('lobby', 'bob', 'said in the interval', T1 - 1)

    const goOn = await blockStagingIn('lobby')
    const staging = stageEvents(db, stranger.envelope(), T1)
    expect(await waitsOrDone(db, staging)).toBe('waits')
    const closing = closeInterval(db, lease, { interval, now: T1 })
    // The source is not to be seen yet: without waiting, the interval would close now.
    const seen = await waitsOrDone(db, closing, 2)
    await goOn()
    await staging

    expect(seen).toBe('waits')
    expect(await closing).toMatchObject({ close: false, holding: [{ source: 'chat-2', why: 'silent' }] })
    expect(await closed()).toBe(0)
  })

  it('staging waits for an interval that is being closed, and then sees that its event is late', async () => {
    const known = pool.source('chat-1', { startedAt: T0 })
    known.says('desk', 'alice', 'in time', T0 + 1)
    await stageEvents(db, known.envelope(), T1)
    known.says('desk', 'alice', 'late', T1 - 1)
    known.says('desk', 'alice', 'on the boundary', T1)

    const closing = await db.knex.transaction()
    await closing.raw(`select pg_advisory_xact_lock(${CLOSING_LOCK})`)
    await closing('closed_interval').insert({ number: 1, starts_at: T0, ends_at: T1, closed_at: T1 })
    const staging = stageEvents(db, known.envelope(2), T1)
    const seen = await waitsOrDone(db, staging)
    await closing.commit()
    await staging

    expect(seen).toBe('waits')
    const rows = await db.knex('staged_event').orderBy('seq').select('seq', 'late_in')
    expect(rows.map((row) => [row.seq, row.late_in])).toEqual([
      [1, 0],
      [2, 2],
      [3, 0],
    ])
  })

  it('two workers that stage one source at once take turns: the second sees what the first has staged', async () => {
    const source = pool.source('chat-1', { startedAt: T0 })
    source.says('desk', 'alice', 'known before', T0 + 1)
    await stageEvents(db, source.envelope(), T1)
    source.says('lobby', 'alice', 'delivered twice', T0 + 2)

    const goOn = await blockStagingIn('lobby')
    const first = stageEvents(db, source.envelope(2), T1)
    expect(await waitsOrDone(db, first)).toBe('waits')
    const second = stageEvents(db, source.envelope(2), T1)
    expect(await waitsOrDone(db, second, 2)).toBe('waits')
    await goOn()

    expect(await Promise.all([first, second])).toEqual([
      { staged: 1, quarantined: 0, parked: 0, again: 0 },
      { staged: 0, quarantined: 0, parked: 0, again: 1 },
    ])
    expect(await stagedThrough(db)).toEqual(new Map([['chat-1/1', 2]]))
  })

  it('a worker whose lease ran out while it was closing has closed before its successor begins', async () => {
    const source = pool.source('chat-1', { startedAt: T0 })
    source.reports(T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    const interval = (await openInterval(db, { runIntervalMs: MINUTE }))!
    const staging = await db.knex.transaction()
    await staging.raw(`select pg_advisory_xact_lock_shared(${CLOSING_LOCK})`)
    const closing = closeInterval(db, lease, { interval, now: T1 })
    expect(await waitsOrDone(db, closing)).toBe('waits')

    const successor = takeLease(db, {
      name: EXPORTER_LEASE,
      holder: 'w2',
      clock: new ManualClock(T0 + 10_000),
      ttlMs: 10_000,
    })
    const seen = await waitsOrDone(db, successor, 2)
    await staging.rollback()

    expect(seen).toBe('waits')
    expect(await closing).toEqual({ close: true })
    expect((await successor)!.token).toBe(lease.token + 1)
    expect(await closed()).toBe(1)
    const next = (await openInterval(db, { runIntervalMs: MINUTE }))!
    await expect(closeInterval(db, lease, { interval: next, now: T2 })).rejects.toThrow('no longer holds the lease')
  })
})
