import { ManualClock } from '@hansard/clock'
import { expect, it } from 'vitest'
import type { Database } from './database.ts'
import { gathered } from './gathered.ts'

const db = { dialect: 'sqlite' } as Database

/** A read that resolves under the test's control, and records its keys. */
function slowReading() {
  const clock = new ManualClock(0)
  const timers = new Set<object>()
  const counted = {
    now: () => clock.now(),
    after(ms: number, callback: () => void) {
      const timer = clock.after(ms, () => {
        timers.delete(timer)
        callback()
      })
      timers.add(timer)
      const cancel = () => {
        timers.delete(timer)
        timer.cancel()
      }
      return { cancel }
    },
  }
  const readings: { keys: readonly number[]; answer(): void; fail(error: Error): void }[] = []
  const read = gathered<number, string>(
    (_db, keys) =>
      new Promise((resolve, reject) => {
        readings.push({
          keys,
          answer: () => resolve(new Map(keys.filter((key) => key > 0).map((key) => [key, `#${key}`]))),
          fail: reject,
        })
      }),
    counted,
  )
  return { read, readings, clock, timers }
}
const nextTick = () => new Promise((resolve) => setImmediate(resolve))

it('lets calls of one tick share a statement, and gives each its own result', async () => {
  const { read, readings } = slowReading()

  const answers = Promise.all([read(db, 1), read(db, 2), read(db, 2), read(db, -3)])
  await nextTick()
  readings[0]!.answer()

  expect(await answers).toEqual(['#1', '#2', '#2', undefined])
  expect(readings.map(({ keys }) => keys)).toEqual([[1, 2, -3]])
})

it('runs one read at a time, and returns nothing read before the call', async () => {
  const { read, readings } = slowReading()

  const first = read(db, 1)
  await nextTick()
  const others = Promise.all([read(db, 1), read(db, 2)])
  await nextTick()
  expect(readings.map(({ keys }) => keys)).toEqual([[1]])

  readings[0]!.answer()
  expect(await first).toBe('#1')
  await expect.poll(() => readings.map(({ keys }) => keys)).toEqual([[1], [1, 2]])
  readings[1]!.answer()
  expect(await others).toEqual(['#1', '#2'])
})

it('does not wait for a read that hangs, and lets at most four hang', async () => {
  const { read, readings, clock } = slowReading()
  const answers: Promise<unknown>[] = []
  for (const key of [1, 2, 3, 4, 5, 6]) {
    answers.push(read(db, key))
    await nextTick()
    clock.advance({ ms: 100 })
  }

  expect(readings.map(({ keys }) => keys)).toEqual([[1], [2], [3], [4]])
  readings[2]!.answer()
  await expect.poll(() => readings.map(({ keys }) => keys)).toEqual([[1], [2], [3], [4], [5, 6]])
  for (const reading of readings) reading.answer()
  await Promise.all(answers)
})

it('starts the next read although nobody calls any more, with one timer', async () => {
  const { read, readings, clock, timers } = slowReading()
  const hanging = read(db, 1)
  await nextTick()
  clock.advance({ ms: 60 })
  const answers = [read(db, 2), read(db, 3)]
  await nextTick()
  expect([readings.length, timers.size]).toEqual([1, 1])

  clock.advance({ ms: 39 })
  await nextTick()
  expect(readings.length).toBe(1)
  clock.advance({ ms: 1 })
  await nextTick()
  expect(readings.map(({ keys }) => keys)).toEqual([[1], [2, 3]])

  readings[1]!.answer()
  expect(await Promise.all(answers)).toEqual(['#2', '#3'])
  readings[0]!.answer()
  await hanging
  expect(timers.size).toBe(0)
})

it('keeps no timer once the read that was waited for has ended', async () => {
  const { read, readings, timers } = slowReading()
  const first = read(db, 1)
  await nextTick()
  const second = read(db, 2)
  expect(timers.size).toBe(1)

  readings[0]!.answer()
  await first
  await expect.poll(() => readings.length).toBe(2)
  expect(timers.size).toBe(0)
  readings[1]!.answer()
  expect(await second).toBe('#2')
})

it('does not wait longer because the clock was set back', async () => {
  const { read, readings, clock } = slowReading()
  const first = read(db, 1)
  await nextTick()
  clock.advance({ ms: -3_600_000 })
  const second = read(db, 2)
  await nextTick()

  expect(readings.map(({ keys }) => keys)).toEqual([[1], [2]])
  for (const reading of readings) reading.answer()
  expect(await Promise.all([first, second])).toEqual(['#1', '#2'])
})

it('gathers calls of PostgreSQL for a moment after a read has begun, and lets a call that comes alone begin at once', async () => {
  const postgres = { dialect: 'postgres' } as Database
  const { read, readings, clock } = slowReading()
  const first = read(postgres, 1)
  await nextTick()
  readings[0]!.answer()
  await first
  const others = [read(postgres, 2)]
  await nextTick()
  clock.advance({ ms: 4 })
  others.push(read(postgres, 3))
  await nextTick()
  expect(readings.length).toBe(1)
  clock.advance({ ms: 1 })
  await nextTick()
  expect(readings.map(({ keys }) => keys)).toEqual([[1], [2, 3]])
  readings[1]!.answer()
  expect(await Promise.all(others)).toEqual(['#2', '#3'])

  clock.advance({ ms: 5 })
  const alone = read(postgres, 4)
  await nextTick()
  readings[2]!.answer()
  expect(await alone).toBe('#4')
})

it('finds the key that makes a read fail by halves, and answers the others', async () => {
  let statements = 0
  const read = gathered<number, string>(async (_db, keys) => {
    statements += 1
    if (keys.includes(77)) throw new Error('77 is no key')
    return new Map(keys.map((key) => [key, `#${key}`]))
  })
  const keys = Array.from({ length: 256 }, (_, n) => n)

  const results = await Promise.allSettled(keys.map((key) => read(db, key)))

  expect(keys.filter((key) => results[key]!.status === 'rejected')).toEqual([77])
  expect(results[76]).toEqual({ status: 'fulfilled', value: '#76' })
  // The first, and two for each time 256 is halved.
  expect(statements).toBe(1 + 2 * 8)
})

it('asks nothing more of a database that is away', async () => {
  let statements = 0
  const read = gathered<number, string>(async () => {
    statements += 1
    throw Object.assign(new Error('the server stops'), { code: '57P01' })
  })

  const results = await Promise.allSettled([1, 2, 3].map((key) => read(db, key)))

  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(statements).toBe(1)
})
