import { expect, it } from 'vitest'
import { alarmsOf } from './alarms.ts'

const NOW = 1_000_000
const calm = { now: NOW, outboxOldestAt: null, queue: { failed: 0 }, shutOut: [] }
const staging = (source: { state?: 'alive' | 'stopped'; silentForMs: number; holding: boolean }) => ({
  quarantine: { count: 0 },
  adapters: [],
  sources: [
    {
      source: 'channel-1',
      epoch: 1,
      state: 'alive' as const,
      lastSeq: 3,
      stagedThrough: 3,
      reportedAt: NOW,
      ...source,
    },
  ],
  rollCallTakenAt: NOW,
  exporter: { holder: 'worker-1', expiresAt: NOW + 1 },
})

it('raises no alarm for a living source that has not reported since the interval ended a moment ago', () => {
  expect(alarmsOf(staging({ silentForMs: 1_000, holding: true }), calm)).toEqual([])
  expect(alarmsOf(staging({ silentForMs: 15_000, holding: true }), calm)).toEqual([])
})

it('names a source that keeps an interval open permanently, and what to do', () => {
  const [silent] = alarmsOf(staging({ silentForMs: 16_000, holding: true }), calm)
  expect(silent).toMatch(/^Source channel-1\/1 has been silent for 16 s and holds the interval open\. .*declare-dead/)
  const [ended] = alarmsOf(staging({ state: 'stopped', silentForMs: 0, holding: true }), calm)
  expect(ended).toMatch(/is not staged to its end and holds/)
})

it('raises an alarm when nobody can sign in because no active server is running', () => {
  const [alarm] = alarmsOf(staging({ silentForMs: 0, holding: false }), { ...calm, shutOut: ['gone'] })
  expect(alarm).toMatch(/^Nobody can sign in: no active server is running \(gone\)\./)
})
