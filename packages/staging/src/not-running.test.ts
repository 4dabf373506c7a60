import { expect, it } from 'vitest'
import { notRunningIn, type SourceLife } from './not-running.ts'

const MINUTE = 60_000
const interval = { startsAt: 10 * MINUTE, endsAt: 20 * MINUTE }
const life = (
  source: string,
  startedAt: number,
  lastSign: number,
  state: SourceLife['state'] = 'dead',
): SourceLife => ({
  ...{ source, epoch: 1, incarnation: '', state, startedAt, lastSign },
})
const gaps = (...lives: SourceLife[]) =>
  notRunningIn(interval, lives).map(({ from, to, lastSigns }) => [
    from / MINUTE,
    to / MINUTE,
    lastSigns.map(({ source, at }) => `${source} ${at / MINUTE}`).join(', '),
  ])

it('names the time between the last sign of life of the last service and the start of the next', () => {
  const [a, b] = [life('a', 0, 12 * MINUTE), life('b', 0, 13 * MINUTE)]
  expect(gaps(a, b, life('c', 15 * MINUTE, 15 * MINUTE, 'alive'))).toEqual([[13, 15, 'a 12, b 13']])
})

it('covers the whole interval, and no more, when nobody lived in it', () => {
  expect(gaps(life('a', 0, 9 * MINUTE), life('b', 25 * MINUTE, 25 * MINUTE, 'alive'))).toEqual([[10, 20, 'a 9']])
  expect(gaps(life('a', 0, 12 * MINUTE))).toEqual([[12, 20, 'a 12']])
})

it('names several times, and of a service that was started again the newest sign', () => {
  const lives = [life('a', 0, 11 * MINUTE), { ...life('a', 13 * MINUTE, 14 * MINUTE), epoch: 2 }]
  expect(gaps(...lives)).toEqual([
    [11, 13, 'a 11'],
    [14, 20, 'a 14'],
  ])
})

it('names nothing while one service lives, or is started again within seconds, or before the first start', () => {
  expect(gaps(life('a', 0, 5 * MINUTE), life('b', 0, 1, 'alive'))).toEqual([])
  expect(gaps(life('a', 0, 12 * MINUTE), life('b', 12 * MINUTE + 9_999, 0, 'alive'))).toEqual([])
  expect(gaps(life('a', 0, 12 * MINUTE), life('b', 12 * MINUTE + 10_000, 0, 'alive'))).toHaveLength(1)
  expect(gaps(life('a', 15 * MINUTE, 0, 'alive'))).toEqual([])
  expect(gaps()).toEqual([])
})
