import { expect, it } from 'vitest'
import { createLiveness } from './liveness.ts'

const T0 = Date.UTC(2026, 10, 20)

/** A clock that the operator can set back. */
function liveness() {
  const time = { now: T0 }
  return { time, ...createLiveness({ clock: { now: () => time.now }, declareDeadAfterMs: 4_000 }) }
}

it('believes itself alive for half of the silence after which it is declared dead', () => {
  const { time, confirm, confirmedAlive } = liveness()
  time.now = T0 + 5_000
  confirm(T0 + 4_000)

  const alive = [T0 + 5_999, T0 + 6_000].map((now) => {
    time.now = now
    return confirmedAlive()
  })

  expect(alive).toEqual([true, false])
})

it('does not believe itself alive because its clock was set back', () => {
  const { time, confirm, confirmedAlive } = liveness()
  time.now = T0 - 60_000
  expect(confirmedAlive()).toBe(false)

  confirm(T0 - 60_000)
  expect(confirmedAlive()).toBe(true)
  time.now = T0 - 58_000
  expect(confirmedAlive()).toBe(false)
})
