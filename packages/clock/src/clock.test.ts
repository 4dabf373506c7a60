import { expect, it } from 'vitest'
import { ManualClock } from './index.ts'

it('fires due timers in order, each at its own time, and no others', () => {
  const clock = new ManualClock(1_000)
  const fired: [string, number][] = []
  clock.after(50, () => fired.push(['b', clock.now()]))
  clock.after(10, () => {
    fired.push(['a', clock.now()])
    clock.after(20, () => fired.push(['set by a', clock.now()]))
  })
  clock.after(500, () => fired.push(['later', clock.now()]))
  clock.advance({ ms: 100 })
  expect(fired).toEqual([
    ['a', 1_010],
    ['set by a', 1_030],
    ['b', 1_050],
  ])
  expect(clock.now()).toBe(1_100)
})

it('ends a sleep when its signal aborts, and at once when it already has', async () => {
  const clock = new ManualClock(0)
  const stop = new AbortController()
  const sleeping = clock.sleep(1_000, stop.signal)
  stop.abort()
  await sleeping
  await clock.sleep(1_000, stop.signal)
  expect(clock.now()).toBe(0)
})
