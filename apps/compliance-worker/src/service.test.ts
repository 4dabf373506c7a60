import type { Clock, Timer } from '@hansard/clock'
import { yieldToEventLoop } from '@hansard/lifecycle'
import { addRequest, findExport, findRequest, listAudit, recordSourceProgress, stageEvents } from '@hansard/staging'
import { describe, expect, it } from 'vitest'
import { DEFAULT_ADAPTERS } from './adapter-settings.ts'
import { adapterStatus, ENDLESS, MINUTE, manifests, openBench, statusOf, story, T0 } from './worker-in-test.ts'

const [XML] = DEFAULT_ADAPTERS
const FIRST = '20261120T231500Z_20261120T231600Z'
/** The timers that are set on the clock from now on, without those that have fired or were cancelled. */
function countTimers(clock: Clock): ReadonlySet<Timer> {
  const timers = new Set<Timer>()
  const after = clock.after.bind(clock)
  clock.after = (ms, callback) => {
    const set = after(ms, () => {
      timers.delete(timer)
      callback()
    })
    const timer: Timer = {
      cancel() {
        timers.delete(timer)
        set.cancel()
      },
    }
    timers.add(timer)
    return timer
  }
  return timers
}
describe('a compliance worker', () => {
  it('turns staged events into documents, a chain file and a manifest, and seals them', async () => {
    await using bench = await openBench()
    const worker = await bench.worker()
    await bench.deliver(T0 + MINUTE, story(bench))
    await worker.drain()

    const files = await bench.files()
    expect([...files.keys()]).toEqual([`${FIRST}-0001.xml`, `${FIRST}.chain.txt`, `${FIRST}.manifest.json`])
    expect(files.get(`${FIRST}-0001.xml`)).toContain('5 &lt; 6 &amp; so on')
    expect(files.get(`${FIRST}-0001.xml`)).not.toContain('after the minute')
    const [manifest] = await manifests(bench)
    expect(manifest).toMatchObject({
      pool: 'fourth-coffee',
      adapter: { name: 'xml', type: 'xml' },
      number: 1,
      kind: 'interval',
      counts: { chat: 2, join: 2, total: 4 },
      omitted: {},
      sources: [
        { source: 'chat-1', first: 1, last: 2, count: 2 },
        { source: 'chat-2', first: 1, last: 2, count: 2 },
      ],
      previousManifestSha256: null,
    })
    expect(await findExport(bench.db, { adapter: 'xml', number: 1 })).toMatchObject({ state: 'sealed', events: 4 })
  })

  it('stages what the queue delivers', async () => {
    await using bench = await openBench()
    const worker = await bench.worker()
    const [one, two] = story(bench)
    for (const source of [one, two]) source.reports(T0 + MINUTE)
    bench.clock.advance({ ms: MINUTE })
    const events = [one, two].map((source) => ({ kind: 'events' as const, ...source.envelope() }))
    await bench.transport.send([
      ...events,
      { kind: 'roll-call', rollCall: bench.pool.rollCall(T0 + MINUTE) },
      ...events,
    ])
    while ((await bench.transport.depth()).waiting + (await bench.transport.depth()).active > 0) await worker.drain()
    await worker.drain()
    expect((await manifests(bench)).map((manifest) => manifest.counts.total)).toEqual([4])
  })

  it('seals an interval in which nothing happened', async () => {
    await using bench = await openBench()
    const worker = await bench.worker()
    const source = bench.pool.source('chat-1', { startedAt: T0 })
    await bench.deliver(T0 + 3 * MINUTE, [source])
    await worker.drain()
    const found = await manifests(bench)
    expect(found.map((manifest) => manifest.counts.total)).toEqual([0, 0, 0])
    expect(found.map((manifest) => manifest.files.length)).toEqual([2, 2, 2])
    expect(found[2]!.sources).toMatchObject([{ first: 0, last: 0, count: 0 }])
  })

  it('exports nothing while a source is silent, and names it', async () => {
    await using bench = await openBench()
    const worker = await bench.worker()
    const [one, two] = story(bench)
    await bench.deliver(T0 + MINUTE, [one])
    bench.clock.advance({ minutes: 2 })
    await worker.drain()
    await expect(bench.files()).rejects.toThrow('ENOENT')
    expect((await statusOf(bench)).holding).toMatchObject([{ source: 'chat-2', why: 'silent', missing: 2 }])

    await bench.deliver(T0 + MINUTE, [one, two])
    await worker.drain()
    expect(await manifests(bench)).toHaveLength(1)
  })

  it('stops waiting for a source that was declared dead, and exports what it had recorded', async () => {
    await using bench = await openBench()
    const worker = await bench.worker()
    const [one, two] = story(bench)
    await bench.deliver(T0 + MINUTE, [one])
    two.ends('dead')
    await bench.deliver(T0 + MINUTE)
    await worker.drain()
    await expect(bench.files()).rejects.toThrow('ENOENT')
    await stageEvents(bench.db, two.envelope(), T0 + MINUTE)
    await worker.drain()
    expect((await manifests(bench))[0]!.sources).toMatchObject([
      { state: 'alive' },
      { state: 'dead', last: 2, count: 2 },
    ])
  })

  it('seals the open interval on request, and answers with the interval', async () => {
    await using bench = await openBench()
    const worker = await bench.worker()
    const sources = story(bench)
    await bench.deliver(T0 + 30_000, sources.slice(0, 0))
    const now = T0 + MINUTE + 30_000
    const id = await addRequest(bench.db, { request: { kind: 'seal' }, requestedBy: 'operator', now })
    await bench.deliver(now, sources)
    bench.clock.advance({ ms: 1 })
    await worker.drain()
    const waiting = await findRequest(bench.db, id)
    expect(waiting).toMatchObject({ state: 'waiting' })
    expect(waiting!.reason).toContain('chat-1/1 has not reported')

    await bench.deliver(now + 1_000, sources)
    await worker.drain()
    expect(await findRequest(bench.db, id)).toMatchObject({
      state: 'done',
      result: {
        ...{ start: T0 + MINUTE, end: now + 1 },
        exports: ['record', 'xml'].map((adapter) => ({ adapter, number: 2, events: 1 })),
      },
    })
    expect([...(await bench.files()).keys()].at(-1)).toBe('20261120T231600Z_20261120T231630.001Z.manifest.json')
  })

  it('seals nothing into the future when a clock is three hours ahead, and goes on when the end has come', async () => {
    await using bench = await openBench()
    const worker = await bench.worker()
    const [ahead] = story(bench)
    bench.clock.advance({ ms: 30_000 })
    // Its clock was ahead when it reported, and so was that of the relay.
    ahead.reports(T0 + 3 * 60 * MINUTE)
    await stageEvents(bench.db, ahead.envelope(), T0 + 30_000)
    await recordSourceProgress(bench.db, {
      ...bench.pool.rollCall(T0 + 3 * 60 * MINUTE),
      sources: bench.pool.rollCall(T0).sources.filter(({ source }) => source === 'chat-1'),
    })
    await worker.drain()
    await expect(bench.files()).rejects.toThrow('ENOENT')

    bench.clock.advance({ ms: 30_000 })
    await worker.drain()

    expect((await manifests(bench)).map((manifest) => manifest.number)).toEqual([1])
  })

  it('fails a request to seal whose moment is in an interval that was closed before, by a clock that was ahead', async () => {
    await using bench = await openBench()
    const worker = await bench.worker()
    const sources = story(bench)
    await bench.deliver(T0 + MINUTE, sources)
    await worker.drain()

    // Interval 1 is closed and its end has not come yet.
    const asked = (closed: number) =>
      addRequest(bench.db, {
        request: { kind: 'seal', closedThrough: closed },
        requestedBy: 'operator',
        now: T0 + MINUTE - 1,
      })
    const id = await asked(1)
    const before = await asked(0)
    await worker.drain()

    const failed = await findRequest(bench.db, id)
    expect(failed).toMatchObject({ state: 'failed', result: null })
    expect(failed!.reason).toContain('from 2026-11-20T23:15:00.000Z to 2026-11-20T23:16:00.000Z was closed before')
    expect(await findRequest(bench.db, before)).toMatchObject({ state: 'done', result: { end: T0 + MINUTE } })
  })

  it('exports late events and events from quarantine in addenda', async () => {
    await using bench = await openBench()
    const worker = await bench.worker()
    const sources = story(bench)
    sources[1].putText('{"from":"the future"}', T0 + 5_000)
    sources[1].says('lobby', 'bob', 'after it', T0 + 6_000)
    await bench.deliver(T0 + MINUTE, sources)
    await worker.drain()
    const [first] = await manifests(bench)
    expect(first!.sources[1]).toMatchObject({ first: 1, last: 4, count: 3, quarantined: [3] })

    const stranger = bench.pool.source('chat-3', { startedAt: T0 })
    stranger.says('desk', 'carol', 'late', T0 + 7_000)
    await bench.deliver(T0 + 2 * MINUTE, [...sources, stranger])
    await worker.drain()
    const [, addendum, second] = await manifests(bench)
    expect(addendum).toMatchObject({
      number: 2,
      kind: 'addendum',
      interval: { startMs: T0, endMs: T0 + MINUTE },
      counts: { chat: 1, total: 1 },
      sources: [{ source: 'chat-3', seqs: [[1, 1]], count: 1 }],
    })
    expect(second).toMatchObject({ number: 3, kind: 'interval', counts: { chat: 1, total: 1 } })
    const files = await bench.files()
    expect(files.get(`${FIRST}_addendum-2-0001.xml`)).toContain('late')

    const id = await addRequest(bench.db, { request: { kind: 'quarantine-retry' }, requestedBy: 'operator', now: T0 })
    await worker.drain()
    expect(await findRequest(bench.db, id)).toMatchObject({ state: 'done', result: { staged: 0, remaining: 1 } })
  })

  it('renders a sealed export again, compares it with the sealed bytes, and records the result', async () => {
    await using bench = await openBench()
    const extended = { ...XML!, name: 'extended', adapter: 'xml-extended', oneChatRoomPerOutputFile: true }
    const worker = await bench.worker({ adapters: [XML!, extended] })
    const sources = story(bench)
    await bench.deliver(T0 + MINUTE, sources)
    await worker.drain()
    // Later events must not matter.
    const stranger = bench.pool.source('chat-3', { startedAt: T0 })
    stranger.joins('desk', 'carol', T0 + 7_000)
    await bench.deliver(T0 + 3 * MINUTE, [...sources, stranger])
    await worker.drain()

    const exports = [1, 2, 3, 4].flatMap((number) => [
      { adapter: 'xml', number },
      { adapter: 'extended', number },
    ])
    for (const which of exports) {
      const request = { kind: 'replay', ...which } as const
      const id = await addRequest(bench.db, { request, requestedBy: 'auditor', now: T0 })
      await worker.drain()
      expect(await findRequest(bench.db, id)).toMatchObject({
        state: 'done',
        result: { ...which, identical: true, differences: [] },
      })
    }
    const actions = (await listAudit(bench.db, { limit: 2 })).map(({ actor, action }) => [actor.split('#')[0], action])
    expect(actions).toEqual([
      ['worker:w1', 'replayed'],
      ['auditor', 'replay'],
    ])
  })

  it('reports the differences when staged events differ from the sealed export', async () => {
    await using bench = await openBench()
    const worker = await bench.worker()
    await bench.deliver(T0 + MINUTE, story(bench))
    await worker.drain()
    await bench.db
      .knex('export_file')
      .where({ role: 'document' })
      .update({ sha256: 'f'.repeat(64) })
    const id = await addRequest(bench.db, {
      request: { kind: 'replay', adapter: 'xml', number: 1 },
      requestedBy: 'auditor',
      now: T0,
    })
    await worker.drain()
    const { result } = (await findRequest(bench.db, id))!
    expect(result).toMatchObject({ identical: false, differences: [{ name: `${FIRST}-0001.xml` }] })
  })

  it('answers a replay that cannot be carried out, and those after it', async () => {
    await using bench = await openBench()
    const worker = await bench.worker()
    const sources = story(bench)
    await bench.deliver(T0 + 2 * MINUTE, sources)
    await worker.drain()
    const altered = { seq: 1, at: T0 + 1_000 }
    await bench.db
      .knex('staged_event')
      .where(altered)
      .update({ head: 'f'.repeat(64) })
    const ask = (number: number) =>
      addRequest(bench.db, { request: { kind: 'replay', adapter: 'xml', number }, requestedBy: 'auditor', now: T0 })
    const [first, second] = [await ask(1), await ask(2)]
    await worker.drain()
    const answered = await findRequest(bench.db, first)
    expect(answered).toMatchObject({ state: 'failed' })
    expect(answered!.reason).toContain('does not hold event chat-1/1/1 as it was accepted')
    expect(await findRequest(bench.db, second)).toMatchObject({ state: 'done', result: { identical: true } })
  })

  it('continues sealing when quarantine cannot be retried, and says why', async () => {
    await using bench = await openBench()
    const worker = await bench.worker()
    const sources = story(bench)
    sources[1].putText('{"from":"the future"}', T0 + 5_000)
    await bench.deliver(T0 + MINUTE, sources)
    await bench.db.knex('quarantined_event').update({ body: 'no JSON' })
    const id = await addRequest(bench.db, { request: { kind: 'quarantine-retry' }, requestedBy: 'operator', now: T0 })
    await worker.drain()
    expect(await manifests(bench)).toHaveLength(1)
    expect(await findRequest(bench.db, id)).toMatchObject({ state: 'failed', reason: expect.stringContaining('JSON') })
  })

  it.each([['that there is none', 7, 'There is no export xml/7']])(
    'refuses to replay an export: %s',
    async (_what, number, reason) => {
      await using bench = await openBench()
      const worker = await bench.worker()
      const request = { kind: 'replay', adapter: 'xml', number } as const
      const id = await addRequest(bench.db, { request, requestedBy: 'auditor', now: T0 })
      await worker.drain()
      const answered = await findRequest(bench.db, id)
      expect(answered).toMatchObject({ state: 'failed' })
      expect(answered!.reason).toContain(reason)
    },
  )
})
describe('stopping', () => {
  it('does not wait for an endless stylesheet, and leaves the export to the next worker', async () => {
    await using bench = await openBench()
    const worker = await bench.worker({ adapters: [ENDLESS] })
    const source = bench.pool.source('chat-1', { startedAt: T0 })
    for (let n = 0; n < 300; n++) source.says('desk', 'alice', `x ${n}`, T0 + n)
    await bench.deliver(T0 + MINUTE, [source])
    worker.wake()
    const recorded = async () => (await findExport(bench.db, { adapter: 'xml', number: 1 }))?.settings
    // Yields to the event loop each time: SQLite answers without yielding, and the worker would never continue.
    while (!(await recorded())) await yieldToEventLoop()

    await worker.stop()
    const again = await bench.worker({ name: 'w2' })
    await again.drain()
    expect(await manifests(bench)).toHaveLength(1)
    expect((await adapterStatus(bench)).problem).toBeNull()
  })

  it('leaves no timer', async () => {
    await using bench = await openBench()
    const timers = countTimers(bench.clock)
    const worker = await bench.worker()
    await bench.deliver(T0 + MINUTE, story(bench))
    await worker.drain()
    expect(timers.size).toBeGreaterThan(0)

    await worker.stop()

    expect(timers.size).toBe(0)
  })

  it('may happen twice, and at any moment', async () => {
    await using bench = await openBench()
    await bench.deliver(T0 + 5 * MINUTE, story(bench))
    for (let n = 0; n < 5; n++) {
      const worker = await bench.worker({ name: `w${n}` })
      const draining = worker.drain().catch(() => {})
      await Promise.all([worker.stop(), worker.stop()])
      await draining
    }
    const last = await bench.worker()
    await last.drain()
    const found = await manifests(bench)
    expect(found.map((manifest) => manifest.number)).toEqual([1, 2, 3, 4, 5])
    expect(found.reduce((sum, manifest) => sum + manifest.counts.total, 0)).toBe(5)
  })
})
