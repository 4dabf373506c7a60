import { expect, it } from 'vitest'
import { createSilence } from './silence.ts'

const own = { name: 'channel-1', epoch: 1 }
const DEAD_AFTER = 30_000

/** An observer that reads every five seconds; each report is the state of the database then. */
function observer() {
  const silence = createSilence({ own, deadAfterMs: DEAD_AFTER })
  let now = 0
  return {
    look(others: Record<string, number>, { ownAt, afterMs = 5_000 }: { ownAt?: number; afterMs?: number } = {}) {
      now += afterMs
      const mine = { ...own, reportedAt: ownAt ?? now }
      const reports = Object.entries(others).map(([name, reportedAt]) => ({ name, epoch: 1, reportedAt }))
      return silence.observe([mine, ...reports], now).map(({ name }) => name)
    },
  }
}

it('finds only a source whose report has not changed for long enough', () => {
  const { look } = observer()
  const found = Array.from({ length: 8 }, (_, n) => look({ dead: 7, living: n }))
  expect(found).toEqual([[], [], [], [], [], [], ['dead'], ['dead']])
})

it('does not compare clocks: a source that is an hour behind counts as reporting', () => {
  const { look } = observer()
  for (let n = 0; n < 20; n += 1) expect(look({ behind: -3_600_000 + n })).toEqual([])
})

it('starts again after the observer was paused', () => {
  const { look } = observer()
  for (let n = 0; n < 6; n += 1) expect(look({ other: 7 })).toEqual([])
  expect(look({ other: 7 }, { afterMs: 60_000 })).toEqual([])
  for (let n = 0; n < 5; n += 1) expect(look({ other: 7 })).toEqual([])
})

it('finds no source silent while the database accepts no writes, nor right after that', () => {
  const { look } = observer()
  look({ other: 7 })
  for (let n = 0; n < 20; n += 1) expect(look({ other: 7 }, { ownAt: 1 })).toEqual([])
  for (let n = 0; n < 5; n += 1) expect(look({ other: 7 })).toEqual([])
  expect(look({ other: 8 })).toEqual([])
})

it('gives a successor the whole time', () => {
  const silence = createSilence({ own, deadAfterMs: DEAD_AFTER })
  const look = (now: number, epoch: number) =>
    silence.observe(
      [
        { ...own, reportedAt: now },
        { name: 'other', epoch, reportedAt: 7 },
      ],
      now,
    )
  for (let now = 0; now <= 25_000; now += 5_000) expect(look(now, 1)).toEqual([])
  expect(look(30_000, 2)).toEqual([])
})
