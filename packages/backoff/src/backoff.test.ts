import fc from 'fast-check'
import { expect, it } from 'vitest'
import { backoffMs } from './backoff.ts'

const settings = { delayMs: 500, delayMaxMs: 20_000 }

it('doubles its ceiling up to a maximum', () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 1_000].map((attempt) => backoffMs(attempt, settings, () => 1))
  expect(longest).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000])
})

it('spreads clients over the whole range', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
      const wait = backoffMs(attempt, settings, () => chance)
      expect(wait).toBeGreaterThanOrEqual(0)
      expect(wait).toBeLessThanOrEqual(20_000)
    }),
  )
  expect(backoffMs(9, settings, () => 0)).toBe(0)
})
