import { ManualClock } from '@hansard/clock'
import { leafOf } from '@hansard/compliance-event'
import { type Database, takeLease } from '@hansard/sql'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readForks } from './forks.ts'
import {
  EXPORTER_LEASE,
  finishedSources,
  forksOfInterval,
  listQuarantined,
  recordSourceProgress,
  retryQuarantine,
  stagedThrough,
  stageEvents,
} from './index.ts'
import { closeInterval } from './intervals.ts'
import { readSetBacks } from './set-back.ts'
import { COMPLIANCE } from './testing/databases-in-test.ts'
import { compliancePostgres, complianceSqlite, type ScriptedSource, scriptedPool } from './testing/index.ts'

const T0 = Date.UTC(2026, 10, 20, 23, 15)
const MINUTE = 60_000
const NOW = T0 + 3_600_000
const holdExporterLease = async (db: Database) =>
  (await takeLease(db, { name: EXPORTER_LEASE, holder: 'w1', clock: new ManualClock(T0), ttlMs: 10_000 }))!
const INCARNATION = 'a'.repeat(32)

/** A source whose first seven texts are always the same, and whose later ones depend on the branch. */
function branch(name: string, texts: number) {
  const pool = scriptedPool()
  const source = pool.source('chat-1', { incarnation: INCARNATION, startedAt: T0 })
  for (let n = 1; n <= texts; n++) source.says('desk', 'alice', n <= 7 ? `chat ${n}` : `${name} ${n}`, T0 + n)
  return { pool, source }
}

describe.each(['sqlite', 'postgres'] as const)('a source that gives numbers out twice, on %s', (dialect) => {
  let server: SharedPostgres | undefined
  let db: Database
  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
  })
  afterAll(() => server?.stop())
  beforeEach(async () => {
    db = server ? await compliancePostgres(await server.createDatabase('forks', COMPLIANCE)) : await complianceSqlite()
  })
  afterEach(() => db.close())

  const KEY = `chat-1/1/${INCARNATION}`
  const staged = async () =>
    (await db.knex('staged_event').orderBy('seq').select('body')).map(({ body }: { body: string }) => body)
  const bodies = ({ recorded }: ScriptedSource, from = 1, to = recorded.length) =>
    recorded.slice(from - 1, to).map((event) => event.body)

  it('has the other texts, and all that follow them, in quarantine whole', async () => {
    const record = branch('before', 10).source
    const other = branch('after', 12).source
    await stageEvents(db, record.envelope(), NOW)

    const result = await stageEvents(db, other.envelope(6, 12), NOW)

    expect(result).toMatchObject({ staged: 0, quarantined: 5, parked: 0 })
    expect(await staged()).toEqual(bodies(record))
    expect((await listQuarantined(db, { limit: 99 })).map((event) => event.body)).toEqual(bodies(other, 8))
    expect(await stagedThrough(db)).toEqual(new Map([[KEY, 10]]))
    const fork = { source: 'chat-1', epoch: 1, incarnation: INCARNATION, seq: 8, leaf: leafOf(bodies(other, 8)[0]!) }
    expect(await readForks(db)).toEqual([{ ...fork, events: 5 }])

    expect(await stageEvents(db, other.envelope(), NOW)).toMatchObject({ staged: 0 })
    expect(await readForks(db)).toEqual([{ ...fork, events: 5 }])
  })

  it('still has the texts staged that continue the staged chain', async () => {
    const record = branch('before', 12).source
    const other = branch('after', 9).source
    await stageEvents(db, record.envelope(1, 10), NOW)
    await stageEvents(db, other.envelope(8, 9), NOW)

    await stageEvents(db, record.envelope(11, 12), NOW)

    expect(await staged()).toEqual(bodies(record))
    expect(await readForks(db)).toMatchObject([{ seq: 8, events: 2 }])
  })

  it('is found although its texts arrive as a gap, out of order, or in one envelope with the record', async () => {
    const record = branch('before', 10).source
    const other = branch('after', 12).source
    await stageEvents(db, record.envelope(), NOW)
    await stageEvents(db, other.envelope(12, 12), NOW)
    await stageEvents(db, other.envelope(8, 8), NOW)
    await stageEvents(db, other.envelope(9, 12), NOW)
    expect((await listQuarantined(db, { limit: 99 })).map((event) => event.body)).toEqual(bodies(other, 8))
    expect(await db.knex('parked_event').select('seq')).toEqual([])

    const second = scriptedPool().source('chat-2', { startedAt: T0 })
    second.says('desk', 'bob', 'one', T0 + 1)
    const [event] = second.recorded
    const twice = { ...second.envelope(), events: [event!, { ...event!, body: `${event!.body} ` }] }
    expect(await stageEvents(db, twice, NOW)).toMatchObject({ staged: 1, quarantined: 1 })
    expect(await readForks(db)).toHaveLength(2)
  })

  it('does not take a text that was altered on its way, and arrives again, for a fork', async () => {
    const record = branch('before', 3).source
    const altered = { ...record.recorded[1]!, body: `${record.recorded[1]!.body} ` }
    const broken = { ...record.envelope(), events: [record.recorded[0]!, altered] }
    await stageEvents(db, broken, NOW)
    await stageEvents(db, record.envelope(2, 3), NOW)

    await stageEvents(db, broken, NOW)

    expect(await staged()).toEqual(bodies(record))
    expect(await readForks(db)).toEqual([])
    expect(await listQuarantined(db, { limit: 9 })).toHaveLength(1)
  })

  it('is noticed by the head in its report, before another text arrives', async () => {
    const record = branch('before', 10)
    await stageEvents(db, record.source.envelope(), NOW)
    await recordSourceProgress(db, record.pool.rollCall(T0 + 20))
    expect(await readForks(db)).toEqual([])

    await recordSourceProgress(db, branch('after', 9).pool.rollCall(T0 + 30))

    const fork = { source: 'chat-1', epoch: 1, incarnation: INCARNATION, seq: 9, leaf: null, events: 0 }
    expect(await readForks(db)).toEqual([fork])
    await recordSourceProgress(db, branch('before', 7).pool.rollCall(T0 + 40))
    expect(await readForks(db)).toEqual([fork])
  })

  it('is in the manifests of the interval in which it was noticed, and holds no interval open', async () => {
    const record = branch('before', 10)
    const other = branch('after', 12)
    await stageEvents(db, record.source.envelope(), NOW)
    await stageEvents(db, other.source.envelope(8, 12), NOW)
    other.source.reports(T0 + MINUTE)
    await recordSourceProgress(db, other.pool.rollCall(T0 + MINUTE))
    const lease = await holdExporterLease(db)

    const first = { number: 1, startsAt: T0, endsAt: T0 + MINUTE }
    expect(await closeInterval(db, lease, { interval: first, now: NOW })).toEqual({ close: true })

    const fork = {
      source: 'chat-1',
      epoch: 1,
      incarnation: INCARNATION,
      seq: 8,
      leaf: leafOf(bodies(other.source, 8)[0]!),
    }
    expect(await forksOfInterval(db, 1)).toEqual([{ ...fork, events: 5 }])
    expect(await forksOfInterval(db, 2)).toEqual([])

    await stageEvents(db, { ...other.source.envelope(), events: lateTexts() }, NOW)
    expect(await forksOfInterval(db, 1)).toEqual([{ ...fork, events: 5 }])
    expect(await forksOfInterval(db, 2)).toMatchObject([{ seq: 13, events: 1 }])

    other.source.ends('stopped')
    other.source.reports(T0 + 2 * MINUTE)
    await recordSourceProgress(db, other.pool.rollCall(T0 + 2 * MINUTE))
    expect(await finishedSources(db)).toMatchObject([{ source: 'chat-1' }])
    const second = { number: 2, startsAt: T0 + MINUTE, endsAt: T0 + 2 * MINUTE }
    expect(await closeInterval(db, lease, { interval: second, now: NOW })).toEqual({ close: true })
    expect(await db.knex('source').select('finished', 'staged_through')).toEqual([{ finished: 1, staged_through: 10 }])
  })

  it('leaves its texts in quarantine when the quarantine is retried', async () => {
    const record = branch('before', 10).source
    await stageEvents(db, record.envelope(), NOW)
    await stageEvents(db, branch('after', 12).source.envelope(8, 12), NOW)

    const result = await retryQuarantine(db, await holdExporterLease(db), { now: NOW })

    expect(result).toEqual({ staged: 0, remaining: 5 })
    expect(await staged()).toEqual(bodies(record))
  })

  it('is named when the pool reports less than before, and numbers were never staged', async () => {
    const record = branch('before', 10)
    await stageEvents(db, record.source.envelope(1, 8), NOW)
    await recordSourceProgress(db, record.pool.rollCall(T0 + 20))
    const older = branch('before', 6)

    await recordSourceProgress(db, older.pool.rollCall(T0 + 10))
    expect(await readSetBacks(db)).toEqual([])
    await recordSourceProgress(db, older.pool.rollCall(T0 + 30))

    const identity = { source: 'chat-1', epoch: 1, incarnation: INCARNATION }
    const numbers = { poolSeq: 6, lastSeq: 10, stagedThrough: 8, closedThrough: 0 }
    expect(await readSetBacks(db)).toEqual([{ ...identity, ...numbers, at: T0 + 30 }])
    expect(await readForks(db)).toEqual([{ ...identity, seq: 9, leaf: null, events: 0 }])
  })

  it('is in the manifests when a living service tells of numbers that nobody had reported', async () => {
    const record = branch('before', 8)
    await stageEvents(db, record.source.envelope(1, 8), NOW)
    const identity = { source: 'chat-1', epoch: 1, incarnation: INCARNATION }
    const unknown = { source: 'chat-2', epoch: 1, incarnation: 'c'.repeat(32) }
    const progress = record.pool.rollCall(T0 + 20)
    await recordSourceProgress(db, { ...progress, lost: [{ ...identity, recordedSeq: 8, foundSeq: 6 }] })
    expect(await readForks(db)).toEqual([])

    const lost = [
      { ...identity, recordedSeq: 10, foundSeq: 6 },
      { ...unknown, recordedSeq: 3, foundSeq: 0 },
    ]
    await recordSourceProgress(db, { ...progress, takenAt: T0 + 30, lost })
    await recordSourceProgress(db, { ...progress, takenAt: T0 + 40, lost })

    const nothing = { leaf: null, events: 0 }
    expect(await forksOfInterval(db, 1)).toEqual([
      { ...identity, seq: 9, ...nothing },
      { ...unknown, seq: 1, ...nothing },
    ])
  })

  it('has ended when a newer progress does not know it any more, and nothing waits for it', async () => {
    const record = branch('before', 10)
    await stageEvents(db, record.source.envelope(1, 10), NOW)
    await recordSourceProgress(db, record.pool.rollCall(T0 + 20))
    const successor = scriptedPool()
    const next = successor.source('chat-1', { incarnation: 'b'.repeat(32), startedAt: T0 + 25 })
    next.says('desk', 'alice', 'after', T0 + 26)
    next.reports(T0 + MINUTE)
    await stageEvents(db, next.envelope(), NOW)

    await recordSourceProgress(db, successor.rollCall(T0 + MINUTE))

    expect(await readSetBacks(db)).toMatchObject([{ incarnation: INCARNATION, poolSeq: 0, stagedThrough: 10 }])
    expect(await readForks(db)).toEqual([])
    const interval = { number: 1, startsAt: T0, endsAt: T0 + MINUTE }
    const lease = await holdExporterLease(db)
    expect(await closeInterval(db, lease, { interval, now: NOW })).toEqual({ close: true })
    const states = await db.knex('closed_interval_source').orderBy('source_id').select('state', 'through_seq')
    expect(states).toEqual([
      { state: 'dead', through_seq: 10 },
      { state: 'alive', through_seq: 1 },
    ])
  })

  function lateTexts() {
    return branch('after', 13).source.recorded.slice(10)
  }
})
