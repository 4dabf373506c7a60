import { expect, it } from 'vitest'
import type { Database } from './database.ts'
import { gathered } from './gathered.ts'

const db = { dialect: 'sqlite' } as Database

/** A read that resolves under the test's control, and records its keys. */
function slowReading() {
  const time = { now: 0 }
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
    () => time.now,
  )
  return { read, readings, time }
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
  const { read, readings, time } = slowReading()
  const answers: Promise<unknown>[] = []
  for (const key of [1, 2, 3, 4, 5, 6]) {
    answers.push(read(db, key))
    await nextTick()
    time.now += 100
  }

  expect(readings.map(({ keys }) => keys)).toEqual([[1], [2], [3], [4]])
  readings[2]!.answer()
  await expect.poll(() => readings.map(({ keys }) => keys)).toEqual([[1], [2], [3], [4], [5, 6]])
  for (const reading of readings) reading.answer()
  await Promise.all(answers)
})

it('reads each key separately when the common read fails', async () => {
  const { read, readings } = slowReading()
  const good = read(db, 1)
  const bad = read(db, 2)
  await nextTick()

  readings[0]!.fail(new Error('one of them is no key'))
  await expect.poll(() => readings.length).toBe(3)
  readings[1]!.answer()
  readings[2]!.fail(new Error('no key'))

  expect(await good).toBe('#1')
  await expect(bad).rejects.toThrow('no key')
})
