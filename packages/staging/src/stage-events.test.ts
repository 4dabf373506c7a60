import { leafOf } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  finishedSources,
  listQuarantined,
  migrateStaging,
  recordSourceProgress,
  stagedThrough,
  stageEvents,
} from './index.ts'
import type { EventsEnvelope } from './stage-events.ts'
import { COMPLIANCE } from './testing/databases-in-test.ts'
import { compliancePostgres, complianceSqlite, type ScriptedPool, scriptedPool } from './testing/index.ts'

const T0 = Date.UTC(2026, 10, 20, 23, 15)
const NOW = T0 + 3_600_000

describe.each(['sqlite', 'postgres'] as const)('staging on %s', (dialect) => {
  let server: SharedPostgres | undefined
  let db: Database
  let pool: ScriptedPool
  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
  })
  afterAll(() => server?.stop())
  beforeEach(async () => {
    db = server
      ? await compliancePostgres(await server.createDatabase('staging', COMPLIANCE))
      : await complianceSqlite()
    pool = scriptedPool()
  })
  afterEach(() => db.close())

  const talk = (count: number, name = 'chat-1') => {
    const source = pool.source(name, { startedAt: T0 })
    for (let n = 1; n <= count; n++) source.says(n % 3 === 0 ? 'desk' : 'lobby', 'alice', `chat ${n}`, T0 + n)
    return source
  }
  const stagedTexts = async () =>
    (await db.knex('staged_event').orderBy(['source_id', 'seq']).select('body')).map(
      (row: { body: string }) => row.body,
    )
  const rowsOf = async (table: string): Promise<number> => (await db.knex(table)).length

  it('migrates twice to the same tables', async () => {
    await migrateStaging(db)
    expect(await rowsOf('staged_event')).toBe(0)
  })

  it('stages every event once, with its text unchanged', async () => {
    const source = talk(7)
    expect(await stageEvents(db, source.envelope(), NOW)).toEqual({ staged: 7, quarantined: 0, parked: 0, again: 0 })
    expect(await stageEvents(db, source.envelope(), NOW)).toEqual({ staged: 0, quarantined: 0, parked: 0, again: 7 })
    expect(await stagedTexts()).toEqual(source.recorded.map((event) => event.body))
    expect(await stagedThrough(db)).toEqual(new Map([['chat-1/1', 7]]))
  })

  it('accepts overlapping envelopes', async () => {
    const source = talk(9)
    await stageEvents(db, source.envelope(1, 5), NOW)
    expect(await stageEvents(db, source.envelope(3, 9), NOW)).toMatchObject({ staged: 4, again: 3 })
    expect(await stagedTexts()).toEqual(source.recorded.map((event) => event.body))
  })

  it('parks events that arrive before their predecessors, and continues when the gap fills', async () => {
    const source = talk(9)
    expect(await stageEvents(db, source.envelope(7, 9), NOW)).toMatchObject({ staged: 0, parked: 3 })
    expect(await stageEvents(db, source.envelope(4, 5), NOW)).toMatchObject({ staged: 0, parked: 2 })
    expect(await stagedThrough(db)).toEqual(new Map([['chat-1/1', 0]]))

    expect(await stageEvents(db, source.envelope(1, 3), NOW)).toMatchObject({ staged: 5 })
    expect(await stagedThrough(db)).toEqual(new Map([['chat-1/1', 5]]))

    expect(await stageEvents(db, source.envelope(6, 6), NOW)).toMatchObject({ staged: 4 })
    expect(await stagedTexts()).toEqual(source.recorded.map((event) => event.body))
    expect(await rowsOf('parked_event')).toBe(0)
  })

  it('produces the same rows whatever the order and repetition of envelopes', async () => {
    const source = talk(40, 'chat-9')
    const expected = source.recorded.map((event) => event.body)
    const slices = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 12 }))
    await fc.assert(
      fc.asyncProperty(fc.array(slices, { maxLength: 12 }), async (cuts) => {
        for (const table of ['staged_event', 'parked_event', 'source', 'quarantined_event'])
          await db.knex(table).delete()
        for (const [from, length] of cuts) await stageEvents(db, source.envelope(from, from + length - 1), NOW)
        await stageEvents(db, source.envelope(), NOW)
        expect(await stagedTexts()).toEqual(expected)
        expect([await rowsOf('parked_event'), await rowsOf('quarantined_event')]).toEqual([0, 0])
      }),
      { numRuns: dialect === 'sqlite' ? 60 : 10 },
    )
  })

  it('takes two incarnations of one name and epoch for two sources', async () => {
    const sources = ['a', 'b'].map((digit) => {
      const source = pool.source('chat-1', { incarnation: digit.repeat(32), startedAt: T0 })
      source.says('desk', 'alice', `by ${digit}`, T0 + 1)
      return source
    })
    for (const source of sources) await stageEvents(db, source.envelope(), NOW)
    await recordSourceProgress(db, pool.rollCall(T0 + 2))

    expect(await stagedTexts()).toHaveLength(2)
    expect(await listQuarantined(db, { limit: 10 })).toEqual([])
    expect([...(await stagedThrough(db))]).toEqual([
      [`chat-1/1/${'a'.repeat(32)}`, 1],
      [`chat-1/1/${'b'.repeat(32)}`, 1],
    ])
    const [first, second] = sources
    const forged = { ...first!.envelope(), incarnation: 'b'.repeat(32) }
    await stageEvents(db, forged, NOW)
    expect(second!.recorded[0]!.body).not.toBe(forged.events[0]!.body)
    expect(await listQuarantined(db, { limit: 10 })).toMatchObject([{ incarnation: 'b'.repeat(32), seq: 1 }])
  })

  it('stages two sources, and two epochs of one, independently', async () => {
    const first = talk(3)
    const second = talk(2, 'chat-2')
    const again = pool.source('chat-1', { epoch: 2, startedAt: T0 + 50 })
    again.says('desk', 'bob', 'back', T0 + 51)
    await Promise.all([first, second, again].map((source) => stageEvents(db, source.envelope(), NOW)))
    expect(await stagedThrough(db)).toEqual(
      new Map([
        ['chat-1/1', 3],
        ['chat-2/1', 2],
        ['chat-1/2', 1],
      ]),
    )
  })

  it('stages once when many workers get the same and overlapping envelopes concurrently', async () => {
    const source = talk(60)
    const envelopes = [source.envelope(), source.envelope(1, 30), source.envelope(20, 60), source.envelope(31, 60)]
    await Promise.all([...envelopes, ...envelopes].map((envelope) => stageEvents(db, envelope, NOW)))
    expect(await stagedTexts()).toEqual(source.recorded.map((event) => event.body))
    expect(await rowsOf('parked_event')).toBe(0)
  })

  it('quarantines a text it cannot read, whole, counts it, and continues with its successors', async () => {
    const source = talk(2)
    source.putText('{"v":2,"kind":"from the future","text":"\u0000 \ud800"}', T0 + 3)
    source.says('desk', 'alice', 'after', T0 + 4)
    expect(await stageEvents(db, source.envelope(), NOW)).toMatchObject({ staged: 3, quarantined: 1 })
    expect(await stagedThrough(db)).toEqual(new Map([['chat-1/1', 4]]))
    const [kept] = await listQuarantined(db, { limit: 10 })
    expect(kept).toMatchObject({ source: 'chat-1', epoch: 1, seq: 3, at: T0 + 3, body: source.recorded[2]!.body })
    expect(kept!.reason).toContain('cannot be read')
    expect(await stageEvents(db, source.envelope(), NOW)).toMatchObject({ staged: 0, quarantined: 0, again: 4 })
    expect(await rowsOf('quarantined_event')).toBe(1)
  })

  it('requests a text that breaks the chain again, and stages the true one when it arrives', async () => {
    const source = talk(5)
    const forged = source.envelope()
    const bodies = forged.events.map((event, index) =>
      index === 2 ? { ...event, body: event.body.replace('chat 3', 'chat III') } : event,
    )

    await stageEvents(db, { ...forged, events: bodies }, NOW)
    expect(await stagedThrough(db)).toEqual(new Map([['chat-1/1', 2]]))

    await stageEvents(db, source.envelope(3, 5), NOW)
    expect(await stagedTexts()).toEqual(source.recorded.map((event) => event.body))
    const kept = await listQuarantined(db, { limit: 10 })
    expect(kept.map((event) => event.body)).toEqual([bodies[2]!.body])
  })

  it('counts a text that breaks the chain when the pool sends it a second time', async () => {
    const source = talk(5)
    const events = source.recorded.map((event, index) =>
      index === 2 ? { ...event, body: event.body.replace('chat 3', 'chat III') } : event,
    )
    const forged = { ...source.envelope(), events }
    await stageEvents(db, forged, NOW)
    expect(await stagedThrough(db)).toEqual(new Map([['chat-1/1', 2]]))
    expect(await stageEvents(db, forged, NOW)).toMatchObject({ staged: 2, quarantined: 1 })
    expect(await stagedThrough(db)).toEqual(new Map([['chat-1/1', 5]]))
    expect(await rowsOf('parked_event')).toBe(0)
  })

  it('does not take a parked forgery for a second delivery of itself', async () => {
    const source = talk(4)
    const forged = source.recorded.map((event, index) => (index === 2 ? { ...event, body: `${event.body} ` } : event))
    await stageEvents(db, { ...source.envelope(), events: forged.slice(1) }, NOW)
    await stageEvents(db, source.envelope(1, 1), NOW)
    expect(await stagedThrough(db)).toEqual(new Map([['chat-1/1', 2]]))
    await stageEvents(db, source.envelope(3, 3), NOW)
    expect(await stagedTexts()).toEqual(source.recorded.map((event) => event.body))
  })

  it('quarantines a different text under a staged number, and does not stage it', async () => {
    const source = talk(3)
    await stageEvents(db, source.envelope(), NOW)
    const other = { ...source.recorded[1]!, body: source.recorded[1]!.body.replace('chat 2', 'chat two') }
    await stageEvents(db, { ...source.envelope(), events: [other] }, NOW)
    expect(await stagedTexts()).toEqual(source.recorded.map((event) => event.body))
    expect((await listQuarantined(db, { limit: 10 })).map((event) => event.leaf)).toEqual([leafOf(other.body)])
  })

  it('quarantines an event that names another event, or is stamped before its predecessor', async () => {
    const source = talk(1)
    source.putText(source.recorded[0]!.body, T0 + 2)
    source.says('desk', 'alice', 'in the past', T0)
    source.says('desk', 'alice', 'and on', T0 + 9)
    expect(await stageEvents(db, source.envelope(), NOW)).toMatchObject({ staged: 2, quarantined: 2 })
    const reasons = (await listQuarantined(db, { limit: 10 })).map((event) => event.reason)
    expect(reasons).toEqual([
      expect.stringContaining('calls itself'),
      expect.stringContaining('before its predecessor'),
    ])
  })

  it('keeps the greatest values of all source progress, in whatever order it arrives', async () => {
    const source = talk(2)
    const early = pool.rollCall(T0 + 10)
    source.says('desk', 'alice', 'more', T0 + 20)
    source.ends('stopped')
    const late = pool.rollCall(T0 + 30)
    for (const rollCall of [late, early, late]) await recordSourceProgress(db, rollCall)
    const row = await db.knex('source').first()
    expect(row).toMatchObject({ state: 'stopped', last_seq: 3, head: source.report().head, reported_at: T0 + 20 })
    expect((await db.knex('roll_call').first()).taken_at).toBe(T0 + 30)
  })

  it('reports a source as settled when it has ended and all its events are staged', async () => {
    const source = talk(3)
    source.ends('fenced')
    await recordSourceProgress(db, pool.rollCall(T0 + 30))
    await stageEvents(db, source.envelope(1, 2), NOW)
    expect(await finishedSources(db)).toEqual([])
    await stageEvents(db, source.envelope(3, 3), NOW)
    expect(await finishedSources(db)).toEqual([{ source: 'chat-1', epoch: 1, incarnation: '' }])
  })

  it('pairs a departure with its join although the survivor that recorded it was staged first', async () => {
    const dead = pool.source('chat-1', { startedAt: T0 })
    const survivor = pool.source('chat-2', { startedAt: T0 })
    dead.joins('desk', 'alice', T0 + 1, 's1')
    survivor.parts('desk', 'alice', T0 + 2, { session: 's1', reason: 'orphaned' })
    survivor.joins('desk', 'alice', T0 + 3, 's1')
    await stageEvents(db, survivor.envelope(), NOW)
    await stageEvents(db, dead.envelope(), NOW)
    const stays = await db.knex('participation').orderBy('joined_room_seq').select('joined_at', 'parted_at')
    expect(stays).toEqual([
      { joined_at: T0 + 1, parted_at: T0 + 2 },
      { joined_at: T0 + 3, parted_at: Number.MAX_SAFE_INTEGER },
    ])
    expect(await rowsOf('early_part')).toBe(0)
  })
})

describe('staging on a PostgreSQL server that fails', () => {
  let server: SharedPostgres
  let db: Database
  beforeAll(async () => {
    server = await sharePostgres()
  })
  afterAll(() => server.stop())
  beforeEach(async () => {
    db = await compliancePostgres(await server.createDatabase('staging', COMPLIANCE))
  })
  afterEach(() => db.close())

  const failsToStage = async (envelope: EventsEnvelope) => {
    await db.knex.schema.renameTable('source', 'source_away')
    await expect(stageEvents(db, envelope, NOW)).rejects.toThrow('source')
    await db.knex.schema.renameTable('source_away', 'source')
  }
  const losesConnections = () =>
    expect(db.knex.raw(`do $$ begin raise exception 'gone' using errcode = '57P01'; end $$`)).rejects.toThrow('gone')

  it.each([
    ['a failed attempt', failsToStage],
    ['the loss of the connections', losesConnections],
  ])('looks the rooms up again after %s: a failover may have lost their rows', async (_, fails) => {
    const source = scriptedPool().source('chat-1', { startedAt: T0 })
    source.says('desk', 'alice', 'lost with the failover', T0 + 1)
    await stageEvents(db, source.envelope(), NOW)
    const { uri } = await db.knex('staged_room').first('uri')
    // The state after a failover to a server without the last transactions, where another worker was first.
    for (const table of ['staged_event', 'source', 'staged_room']) await db.knex(table).delete()
    await db.knex('staged_room').insert({ uri: 'another room' })
    await fails(source.envelope())

    expect(await stageEvents(db, source.envelope(), NOW)).toMatchObject({ staged: 1 })

    const rooms = await db.knex('staged_event as e').leftJoin('staged_room as r', 'r.id', 'e.room_id').select('r.uri')
    expect(rooms).toEqual([{ uri }])
  })

  it.each([
    ['chats', false],
    ['presence', true],
  ])('fails with the first error, not with those of the statements after it: %s', async (_, presence) => {
    const source = scriptedPool().source('chat-1', { startedAt: T0 })
    if (presence) source.joins('desk', 'alice', T0 + 1, 's1')
    else source.says('desk', 'alice', 'chat', T0 + 1)
    await db.knex.raw(`
      create function full_disk() returns trigger language plpgsql as
        $$ begin raise exception 'the disk is full' using errcode = '53100'; end $$;
      create trigger full_disk before insert on staged_event execute function full_disk()`)

    await expect(stageEvents(db, source.envelope(), NOW)).rejects.toMatchObject({ code: '53100' })
  })
})
