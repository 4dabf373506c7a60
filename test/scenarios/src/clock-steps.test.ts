import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock, SteppedClock } from '@hansard/clock'
import { startStandardEdition } from '@hansard/hansard'
import { silentLog } from '@hansard/log'
import { openDatabase } from '@hansard/sql'
import { AdminRefused, openAdmin, readExports } from '@hansard/test-pool'
import { afterEach, expect, it } from 'vitest'
import { verifyExports } from './golden-exports.ts'
import { signInPerson } from './person.ts'

const START = Date.UTC(2026, 10, 20, 9)
const MINUTE = 60_000
const HOUR = 3_600_000

const stack: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const undo of stack.splice(0).reverse()) await undo()
})

/** A Standard Edition pool whose clock can be set; `time` is the true one. */
async function poolWithClock() {
  const time = new ManualClock(START)
  const clock = new SteppedClock(time)
  const data = await mkdtemp(join(tmpdir(), 'hansard-clock-'))
  stack.push(() => rm(data, { recursive: true, force: true }))
  const start = (clockRightAt?: number) =>
    startStandardEdition(
      {
        data,
        port: 0,
        host: '127.0.0.1',
        runIntervalMs: MINUTE,
        domain: 'fourthcoffee.com',
        operatorPassword: 'a long enough password',
        logLevel: 'silent',
        complianceThread: false,
        clockRightAt,
      },
      { clock, log: silentLog },
    )
  const pool = await start()
  stack.push(() => pool.stop())
  const admin = await openAdmin(pool.urls.server, 'a long enough password')
  const [user] = (await admin.ask('addUsers', { users: [{ account: 'alice', generateKey: true }] })).users
  const [room] = (await admin.ask('addRooms', { rooms: [{ name: 'desk', privacy: 'open' }] })).rooms
  const signIn = async (server: string) => {
    const alice = await signInPerson({ server, account: 'alice', password: user!.key! }, { pass() {} })
    stack.push(() => alice.close())
    return alice.enter(room!.uri)
  }
  /** Time passes in small steps until `look` finds something, but not more; the pool works in real time. */
  const until = async <T>(look: () => Promise<T | undefined>, withinMs = 10_000): Promise<T> => {
    for (let passed = 0; ; passed += 20) {
      const found = await look()
      if (found !== undefined) return found
      if (passed < withinMs) time.advance({ ms: 20 })
    }
  }
  const endOfInterval = () => time.advance({ ms: MINUTE - (time.now() % MINUTE) })
  const sealed = async () => {
    const db = openDatabase({ url: `sqlite:${join(data, 'compliance.db')}` })
    try {
      const rows: { number: number; starts_at: number; ends_at: number }[] = await db
        .knex('export')
        .where({ state: 'sealed', adapter: 'xml' })
        .orderBy('number')
      return rows
    } finally {
      await db.close()
    }
  }
  const exportedTexts = async () =>
    (await readExports(join(pool.exports, 'xml'))).filter(({ type }) => type === 'CHAT').map(({ content }) => content)
  let read = 0
  const exported = (text: string) => async () => {
    const { length } = await sealed()
    if (length === read) return undefined
    read = length
    return (await exportedTexts()).includes(text) || undefined
  }
  return { time, clock, start, pool, admin, signIn, until, endOfInterval, sealed, exported, exportedTexts }
}

it.each([3 * HOUR, -3 * HOUR])(
  'gives no false stamp and seals nothing into the future when its clock is off by %i ms for six seconds',
  async (step) => {
    const { time, clock, pool, admin, signIn, until, endOfInterval, sealed, exported, exportedTexts } =
      await poolWithClock()
    const desk = await signIn(pool.urls.server)
    await desk.post('before')
    endOfInterval()
    await until(exported('before'))

    clock.step(step)
    const posting = desk.post('meanwhile')
    await until(
      async () =>
        (await admin.ask('status')).alarms.some((alarm) =>
          alarm.startsWith('The clock of source channel-1/1 is 10800 s'),
        )
          ? true
          : undefined,
      10_000,
    )
    const seal = step > 0 ? await admin.ask('seal').catch((error: unknown) => error) : undefined
    for (let second = 0; second < 6; second += 1) {
      time.advance({ seconds: 1 })
      await admin.ask('status')
    }
    clock.step(-step)
    // The client repeats it by itself.
    await posting
    endOfInterval()
    await until(exported('meanwhile'))

    if (step > 0) expect(seal).toBeInstanceOf(AdminRefused)
    const exports = await sealed()
    expect(exports.length).toBeGreaterThan(1)
    for (const { ends_at } of exports) expect(ends_at).toBeLessThanOrEqual(time.now())
    for (const [n, { starts_at }] of exports.entries()) if (n > 0) expect(starts_at).toBe(exports[n - 1]!.ends_at)
    expect(await exportedTexts()).toEqual(['before', 'meanwhile'])
    const status = await admin.ask('status')
    expect(status.alarms).toEqual([])
    expect(status.oldestUnexportedAgeMs ?? 0).toBeGreaterThanOrEqual(0)
    await verifyExports(pool.exports)
  },
)
