import { expect, it } from 'vitest'
import { alarmsOf } from './alarms.ts'

const NOW = 1_000_000
const calm = {
  now: NOW,
  missing: [],
  unrecorded: [],
  outboxOldestAt: null,
  queue: { failed: 0 },
  queueTroubles: [] as string[],
  reports: [] as { source: string; epoch: number; reportedAt: number; clockOffMs: number | null }[],
  relayLeads: true,
  shutOut: [],
}
const staging = (source: { state?: 'alive' | 'stopped'; silentForMs: number; holding: boolean }) => ({
  quarantine: { count: 0 },
  auditProblem: null as string | null,
  forks: [] as Parameters<typeof alarmsOf>[0]['forks'],
  poolSealing: { problem: null, unsigned: null } as Parameters<typeof alarmsOf>[0]['poolSealing'],
  setBacks: [] as Parameters<typeof alarmsOf>[0]['setBacks'],
  damagedFiles: { count: 0, files: [] },
  incompleteExports: { count: 0, exports: [] } as Parameters<typeof alarmsOf>[0]['incompleteExports'],
  adapters: [],
  anchors: [],
  sources: [
    {
      source: 'channel-1',
      epoch: 1,
      incarnation: '',
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

it('names a source that accepts nothing because of its clock, and what to do', () => {
  const report = { source: 'channel-1', epoch: 1, reportedAt: NOW }
  const alarms = (clockOffMs: number | null) =>
    alarmsOf(staging({ silentForMs: 0, holding: false }), { ...calm, reports: [{ ...report, clockOffMs }] })
  expect(alarms(10_800_000)).toEqual([
    expect.stringMatching(/^The clock of source channel-1\/1 is 10800 s ahead: it accepts nothing.*restart/),
  ])
  expect(alarms(-86_400_000)).toEqual([expect.stringMatching(/86400 s behind/)])
  expect(alarms(null)).toEqual([])
})

it('names sealed files that are not as they were sealed, and what to do', () => {
  const file = { adapter: 'xml', number: 12, directory: '/x', name: 'a.xml', problem: 'is missing' }
  const [first, more] = alarmsOf(
    { ...staging({ silentForMs: 0, holding: false }), damagedFiles: { count: 8, files: [file] } },
    calm,
  )
  expect(first).toMatch(/^The sealed file \/x\/a\.xml is missing\. `hansard exports restore xml\/12`/)
  expect(more).toMatch(/^7 more sealed files/)
})

it('names a broken audit trail, and how to look at it', () => {
  const auditProblem = 'Record 12 of the audit trail is missing.'
  const [alarm] = alarmsOf({ ...staging({ silentForMs: 0, holding: false }), auditProblem }, calm)
  expect(alarm).toBe(
    'The chain of the audit trail is broken: Record 12 of the audit trail is missing. `hansard audit verify` recomputes it.',
  )
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

it('names a broken Redis, and neither the sources nor the outbox that suffer from it', () => {
  const suffering = { ...staging({ silentForMs: 180_000, holding: true }), rollCallTakenAt: NOW - 180_000 }
  const reports = [{ source: 'channel-1', epoch: 1, reportedAt: NOW - 500, clockOffMs: null }]
  const replica = 'Redis is a replica and takes no writes.'

  for (const broken of [
    { queueTroubles: [replica] },
    { queue: undefined, queueTroubles: [replica] },
    { queueTroubles: [replica], reports: [] },
  ]) {
    const alarms = alarmsOf(suffering, { ...calm, reports, outboxOldestAt: NOW - 180_000, ...broken })
    expect(alarms).toEqual([replica])
  }
})

it('names a source that is silent by the pool database itself, though the queue is broken as well', () => {
  const suffering = { ...staging({ silentForMs: 180_000, holding: true }), rollCallTakenAt: NOW - 180_000 }
  const reports = [{ source: 'channel-1', epoch: 1, reportedAt: NOW - 60_000, clockOffMs: null }]

  const alarms = alarmsOf(suffering, { ...calm, reports, queue: undefined })

  expect(alarms).toEqual([
    'The queue cannot be reached. Nothing is lost; events wait in the outbox.',
    expect.stringMatching(/^Source channel-1\/1 has been silent for 60 s and holds/),
  ])
})

it('names the missing relay, and not the sources whose progress is not sent', () => {
  const waiting = { ...staging({ silentForMs: 90_000, holding: true }), rollCallTakenAt: NOW - 90_000 }

  expect(alarmsOf(waiting, { ...calm, relayLeads: false, outboxOldestAt: NOW - 90_000 })).toEqual([
    'No relay is running: events wait in the outbox. Start one.',
  ])
  expect(alarmsOf(waiting, { ...calm, outboxOldestAt: NOW - 90_000 })).toEqual([
    'The last source progress is 90 s old. Are a relay, the queue and a worker running?',
  ])
})

it('names a source that has forked, first of all', () => {
  const fork = { source: 'channel-1', epoch: 1, incarnation: '', seq: 8, leaf: null, events: 3 }
  const alarms = alarmsOf(
    { ...staging({ silentForMs: 0, holding: false }), forks: [fork], quarantine: { count: 3 } },
    calm,
  )
  expect(alarms[0]).toMatch(/differ in source channel-1\/1, from number 8 on: 3 texts/)
  const heads = { ...fork, incarnation: 'a'.repeat(32), events: 0 }
  const [named] = alarmsOf({ ...staging({ silentForMs: 0, holding: false }), forks: [heads] }, calm)
  expect(named).toMatch(/differ in source channel-1\/1\/a{32}, .* no other text has arrived/)
})

it('names that pool manifests are not being signed, and why where it is known', () => {
  const quiet = staging({ silentForMs: 0, holding: false })
  const waiting = (ms: number) => ({ problem: null, unsigned: { interval: 7, closedAt: NOW - ms } })
  expect(alarmsOf({ ...quiet, poolSealing: waiting(180_000) }, calm)).toEqual([])
  expect(alarmsOf({ ...quiet, poolSealing: waiting(180_001) }, calm)).toEqual([
    expect.stringContaining('Pool manifests are not being signed: interval 7 has waited for 180 s.'),
  ])
  expect(alarmsOf({ ...quiet, poolSealing: { ...waiting(1), problem: 'it does not follow.' } }, calm)).toEqual([
    'Pool manifests are not being signed: it does not follow.',
  ])
})

it('names what a pool database that was set back no longer has, for a week', () => {
  const back = { source: 'channel-1', epoch: 2, incarnation: '', poolSeq: 5, lastSeq: 12, stagedThrough: 10 }
  const setBacks = [{ ...back, closedThrough: 8, at: NOW }]
  const [alarm] = alarmsOf({ ...staging({ silentForMs: 0, holding: false }), setBacks }, calm)
  expect(alarm).toBe(
    'The pool database was set back: numbers 6 to 12 of source channel-1/2 are no longer in it. 5 of these 7 are in the record, 3 of them in closed intervals; 2 are lost.',
  )
  const long = setBacks.map((one) => ({ ...one, at: NOW - 8 * 24 * 3_600_000 }))
  expect(alarmsOf({ ...staging({ silentForMs: 0, holding: false }), setBacks: long }, calm)).toEqual([])
})

it('raises an alarm for an anchor that has failed for longer than an interval, not before', () => {
  const failing = (overdue: boolean) => ({
    ...staging({ silentForMs: 1_000, holding: false }),
    anchors: [
      {
        name: '/mnt/anchor',
        kind: 'directory' as const,
        problem: '/mnt/anchor is missing.',
        problemSince: NOW - 90_000,
        lastDelivered: null,
        overdue,
      },
    ],
  })
  expect(alarmsOf(failing(false), calm)).toEqual([])
  expect(alarmsOf(failing(true), calm)).toEqual([
    'Anchor /mnt/anchor: no checkpoint was delivered for 90 s. /mnt/anchor is missing.',
  ])
})
