import { type Clock, ManualClock, SteppedClock } from '@hansard/clock'
import { decodeEvent } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ClockOff,
  createRecordWriter,
  type Fact,
  lastReports,
  newestStamp,
  type Principal,
  readOutbox,
  requireRightClock,
  type Source,
  startSource,
  stopSource,
} from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'
import type { ChangeWork } from './commit-change.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const STEPS = [3 * HOUR, -3 * HOUR, DAY, -DAY]

describe.each(['sqlite', 'postgres'] as const)('the clock of a source on %s', (dialect) => {
  let store: StoreInTest
  let db: Database
  let alice: Principal
  let roomId: number
  let names = 0

  beforeAll(async () => {
    store = await openStoreInTest(dialect)
    db = store.db
    alice = await store.addUser('alice')
    roomId = await store.addRoom('desk')
  })
  afterAll(() => store?.close())

  /** `time` is the true one, `clock` that of the service and, where there is one, of the database's server. */
  const start = async ({
    name = `source-${++names}`,
    over,
  }: {
    name?: string
    over?: (clock: Clock, time: ManualClock) => Clock
  } = {}) => {
    const time = new ManualClock(NOW)
    const clock = new SteppedClock(time)
    const source = await startSource(db, { name, endpoint: 'ws://x', now: clock.now() })
    const told: (number | undefined)[] = []
    const writer = createRecordWriter({
      db,
      clock: over?.(clock, time) ?? clock,
      source,
      place: { pool: 'test' },
      onClock: (off) => void told.push(off?.ms),
    })
    const say = (post: string, text = post) => writer.record(chat(`${name} ${post}`, text))
    return { time, clock, source, writer, say, told }
  }
  const chat = (post: string, text: string): Fact => ({
    kind: 'chat',
    roomId,
    principal: alice,
    post,
    text,
    again: false,
    rights: 1,
  })
  const eventsOf = async ({ name, epoch }: Source) => {
    const rows = await readOutbox(db, { source: name, epoch, afterSeq: 0, limit: 100 })
    return rows.map((row) => decodeEvent(row.body))
  }
  const reportOf = async ({ name }: Source) => (await lastReports(db)).find(({ source }) => source === name)!
  const setsTopic: ChangeWork<string> = async () => ({ events: [], rights: [], result: 'changed' })

  it.each(STEPS)('that is set by %i ms stamps nothing, says so, and goes on when it is set right', async (step) => {
    const { time, clock, source, writer, say, told } = await start()
    expect(await say('before')).toMatchObject({ kind: 'chat', at: NOW })

    clock.step(step)
    const refused = [await say('meanwhile'), await writer.change(setsTopic).catch((error: unknown) => error)]
    time.advance({ seconds: 3 })
    await writer.report()
    const reported = await reportOf(source)
    clock.step(-step)
    time.advance({ seconds: 3 })
    const after = await say('after')

    for (const each of refused) expect(each).toBeInstanceOf(ClockOff)
    expect(reported).toMatchObject({ reportedAt: NOW + 3_000, clockOffMs: step })
    expect(after).toMatchObject({ kind: 'chat', at: NOW + 6_000 })
    expect(await reportOf(source)).toMatchObject({ clockOffMs: null })
    expect(told).toEqual([step, undefined])
    expect((await eventsOf(source)).map((event) => [event.kind, event.at, event.clock])).toEqual([
      ['chat', NOW, undefined],
      ['chat', NOW + 6_000, undefined],
    ])
  })

  it.each(STEPS)('that is set by %i ms together with the database’s waits for the next start', async (step) => {
    const first = await start()
    await first.say('before')

    first.clock.step(step)
    first.clock.stepServer(step)
    first.time.advance({ minutes: 30 })
    const refused = await first.say('after the step')
    await stopSource(db, { ...first.source, now: NOW })
    await requireRightClock(db, first.clock, { statedTime: first.clock.now() })
    const second = await startSource(db, { name: first.source.name, endpoint: 'ws://x', now: first.clock.now() })
    const writer = createRecordWriter({ db, clock: first.clock, source: second, place: { pool: 'test' } })
    const accepted = await writer.record(chat(`${second.name} again`, 'again'))

    expect(refused).toBeInstanceOf(ClockOff)
    expect(accepted).toMatchObject({ kind: 'chat', at: first.clock.now() })
  })

  it('holds a stamp while the clock is a little behind it, and marks it with what the clock showed', async () => {
    const { time, clock, source, say, writer } = await start()
    await say('before')

    clock.step(-30_000)
    await say('held')
    await writer.change(async () => ({
      events: [
        {
          roomId,
          principal: alice,
          detail: {
            kind: 'change',
            action: 'changed',
            subject: { type: 'room', uri: 'r', name: 'r' },
            before: {},
            after: {},
          },
        },
      ],
      rights: [],
      result: undefined,
    }))
    time.advance({ seconds: 31 })
    await say('right again')

    expect((await eventsOf(source)).map(({ at, clock }) => [at - NOW, clock && clock - NOW])).toEqual([
      [0, undefined],
      [0, -30_000],
      [0, -30_000],
      [1_000, undefined],
    ])
  })

  it('believes a clock at the bound, and none beyond it', async () => {
    const { clock, say } = await start()
    clock.step(60_000)
    expect(await say('at the bound')).toMatchObject({ kind: 'chat' })
    clock.step(1)
    expect(await say('beyond')).toBeInstanceOf(ClockOff)
  })

  it('is believed although the service or the database is frozen for two minutes while it is read', async () => {
    const freezes = { ofService: 0, ofDatabase: 0 }
    const { say, time } = await start({
      over: (clock, time) => ({
        ...{ uptime: () => clock.uptime(), after: clock.after.bind(clock), sleep: clock.sleep.bind(clock) },
        now() {
          const shown = clock.now()
          if (freezes.ofService-- > 0) time.advance({ minutes: 2 })
          return shown
        },
        serverNow() {
          const shown = clock.serverNow!()
          if (freezes.ofDatabase-- > 0) time.advance({ minutes: 2 })
          return shown
        },
      }),
    })
    expect(await say('before')).toMatchObject({ kind: 'chat', at: NOW })

    // The writer reads the clock once before it is examined.
    freezes.ofService = 2
    expect(await say('after a freeze')).toMatchObject({ kind: 'chat', at: NOW + 240_000 })
    time.advance({ seconds: 2 })
    freezes.ofDatabase = 1
    const slow = dialect === 'postgres' ? 362_000 : 242_000
    expect(await say('after a slow answer')).toMatchObject({ kind: 'chat', at: NOW + slow })
  })

  it('does not begin with the false stamps of its predecessor, and begins with its true ones', async () => {
    const { name } = (await start()).source
    const stampedAt = (at: number) => db.knex('source').where({ name }).update({ last_stamp: at })

    await stampedAt(NOW + 3 * HOUR)
    const truly = await startSource(db, { name, endpoint: '', now: NOW + 1_000 })
    await stampedAt(NOW + 30_000)
    const held = await startSource(db, { name, endpoint: '', now: NOW + 2_000 })

    expect([truly.lastStamp, held.lastStamp]).toEqual([NOW + 1_000, NOW + 30_000])
  })

  it('must be that of the database, or no earlier than the record, for a service to start', async () => {
    const { clock, source, say } = await start()
    await say('last')
    await db.knex('source').where({ name: source.name }).update({ settled: true })
    const newest = (await newestStamp(db, { settledToo: true }))!
    const at = (ms: number) => {
      const other = new SteppedClock(new ManualClock(newest.at))
      if (dialect === 'postgres') other.stepServer(0)
      other.step(ms)
      return other
    }
    expect(clock.now()).toBeLessThanOrEqual(newest.at)

    await requireRightClock(db, at(-60_000))
    const refused = await requireRightClock(db, at(-60_001)).catch((error: unknown) => error)
    expect(refused).toMatchObject({ name: 'ClockWrong', exitCode: 2 })

    if (dialect === 'postgres') {
      expect(String(refused)).toMatch(/the pool database's [^:]*:[^:]*:[^:]*: it is 60 s behind/)
      await expect(requireRightClock(db, at(DAY))).rejects.toThrow('it is 86400 s ahead')
    } else {
      expect(String(refused)).toMatch(/the record has events until .*: it is 60 s behind.*HANSARD_CLOCK_RIGHT_AT=/)
      // SQLite has no clock that could contradict.
      await requireRightClock(db, at(DAY))
      const behind = at(-3 * HOUR)
      await requireRightClock(db, behind, { statedTime: behind.now() + 600_000 })
      await expect(requireRightClock(db, behind, { statedTime: newest.at })).rejects.toThrow(/more than ten minutes/)
    }
  })
})
