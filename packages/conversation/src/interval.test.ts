import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { alignDown, nextBoundary, parseRunInterval } from './interval.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

describe('the run interval', () => {
  it.each([
    ['1m', MINUTE],
    ['15m', 15 * MINUTE],
    ['1h', 60 * MINUTE],
    ['30d', 30 * DAY],
    ['00:15:00', 15 * MINUTE],
    ['0.00:15:00', 15 * MINUTE],
    ['1.06:00:00', 30 * 60 * MINUTE],
    ['30.00:00:00', 30 * DAY],
    [' 5m ', 5 * MINUTE],
    ['23:59:59', DAY - 1_000],
    ['0.00:01', MINUTE],
    ['29.23:59:59', 30 * DAY - 1_000],
  ])('reads %s', (text, ms) => {
    expect(parseRunInterval(text)).toBe(ms)
  })

  it.each([
    '',
    '15',
    '15s',
    'm',
    '-5m',
    '1.5h',
    '00:60:00',
    '00:01:60',
    '24:00:00',
    '00:15:00 m',
    'x5m',
    '1h30m',
    '١m',
  ])('refuses %s as invalid', (text) => {
    expect(() => parseRunInterval(text)).toThrow('is not an interval')
  })

  it.each(['0m', '31d', '00:00:59', '30.00:00:01', '721h'])('refuses %s as out of range', (text) => {
    expect(() => parseRunInterval(text)).toThrow('one minute to thirty days')
  })
})

describe('boundaries', () => {
  it('fall on whole multiples since 1970, so a quarter of an hour ends at :15', () => {
    const at = Date.parse('2026-11-20T23:17:03.123Z')
    expect(new Date(alignDown(at, 15 * MINUTE)).toISOString()).toBe('2026-11-20T23:15:00.000Z')
    expect(new Date(nextBoundary(at, 15 * MINUTE)).toISOString()).toBe('2026-11-20T23:30:00.000Z')
  })

  it('assign an event on a boundary to the interval that begins there', () => {
    const boundary = Date.parse('2026-11-20T23:15:00Z')
    expect(alignDown(boundary, 15 * MINUTE)).toBe(boundary)
    expect(nextBoundary(boundary, 15 * MINUTE)).toBe(boundary + 15 * MINUTE)
  })

  it('tile: every instant lies in exactly one interval', () => {
    fc.assert(
      fc.property(fc.nat(4_000_000_000_000), fc.integer({ min: MINUTE, max: 30 * DAY }), (at, every) => {
        const start = alignDown(at, every)
        expect(start <= at && at < nextBoundary(start, every)).toBe(true)
        expect(alignDown(nextBoundary(at, every), every)).toBe(start + every)
      }),
    )
  })
})
