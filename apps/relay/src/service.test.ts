import { type Clock, systemClock } from '@hansard/clock'
import type { Envelope } from '@hansard/compliance-event'
import { declareDead, readOutbox, readSourceProgress, stopSource } from '@hansard/pool-store'
import { openInlineTransport } from '@hansard/queue'
import { stageEvents } from '@hansard/staging'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { benchOfRelay } from './bench-in-test.ts'
import { until } from './relay-in-test.ts'

let postgres: SharedPostgres
beforeAll(async () => {
  postgres = await sharePostgres()
})
afterAll(() => postgres.stop())

describe.each(['sqlite', 'postgres'] as const)('the relay on %s', (dialect) => {
  const bench = benchOfRelay(dialect, () => postgres)
  const { talk, relayTo, stage, inline, outboxRows, staged } = bench

  it('moves every event to the compliance database, and empties the outbox', async () => {
    const { key, post } = await talk(2_345)
    const transport = inline()
    await transport.consume(stage)

    await relayTo(transport)

    await vi.waitFor(async () => expect([await staged(key), await outboxRows()]).toEqual([2_345, 0]), until)
    await post(3_000)
    await vi.waitFor(async () => expect([await staged(key), await outboxRows()]).toEqual([2_346, 0]), until)
  })

  it('keeps events that were sent and are not staged yet', async () => {
    await talk(250)
    const transport = inline()
    const seen: Envelope[] = []
    await transport.consume(async (envelope) => void seen.push(envelope))

    await relayTo(transport, { config: { resendMs: 60_000 } })

    const events = () => seen.flatMap((envelope) => (envelope.kind === 'events' ? envelope.events : []))
    await vi.waitFor(() => expect(events().length).toBe(250), until)
    await vi.waitFor(() => expect(seen.filter((e) => e.kind === 'roll-call').length).toBeGreaterThan(3), until)
    expect(await outboxRows()).toBe(250)
  })

  it('sends events again that did not arrive, once the queue is empty', async () => {
    const { key } = await talk(250)
    const transport = inline()
    let lost = 0
    await transport.consume(async (envelope) => {
      if (envelope.kind === 'events' && lost < 3) lost += 1
      else await stage(envelope)
    })

    await relayTo(transport)

    await vi.waitFor(async () => expect([await staged(key), await outboxRows()]).toEqual([250, 0]), until)
    expect(lost).toBe(3)
  })

  it('sends envelopes of the configured size, of one source each, in order', async () => {
    await talk(25, 'channel-1')
    await talk(7, 'channel-2')
    const transport = inline()
    const sizes: string[] = []
    await transport.consume(
      async (envelope) => {
        if (envelope.kind === 'events') sizes.push(`${envelope.source}: ${envelope.events.length}`)
        await stage(envelope)
      },
      { concurrency: 1 },
    )

    await relayTo(transport, { config: { resendMs: 60_000, batchEvents: 10 } })

    await vi.waitFor(async () => expect(await outboxRows()).toBe(0), until)
    const of = (source: string) => sizes.filter((size) => size.startsWith(source))
    expect(of('channel-1')).toEqual(['channel-1: 10', 'channel-1: 10', 'channel-1: 5'])
    expect(of('channel-2')).toEqual(['channel-2: 7'])
  })

  it('limits the events of one source in flight', async () => {
    await talk(100)
    const transport = inline()

    await relayTo(transport, { config: { inFlightMax: 30, batchEvents: 10, resendMs: 60_000 } })

    // Three envelopes of events and a source progress.
    await vi.waitFor(async () => expect((await transport.depth()).waiting).toBeGreaterThan(3), until)
    let events = 0
    const consumer = await transport.consume(async (envelope) => {
      if (envelope.kind === 'events') events += envelope.events.length
    })
    await vi.waitFor(async () => expect((await transport.depth()).waiting).toBe(0), until)
    await consumer.stop()
    expect(events).toBe(30)
  })

  it('sends held-back events as soon as the compliance database has caught up', async () => {
    const { key } = await talk(100)
    const transport = inline()
    await transport.consume(stage)

    await relayTo(transport, { config: { inFlightMax: 30, batchEvents: 10, resendMs: 60_000 } })

    await vi.waitFor(async () => expect([await staged(key), await outboxRows()]).toEqual([100, 0]), until)
  })

  it('sends nothing again while the worker is merely slow', async () => {
    const { key } = await talk(25)
    const transport = inline()
    let events = 0
    let rolls = 0
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    await transport.consume(
      async (envelope) => {
        if (envelope.kind === 'roll-call') rolls += 1
        else {
          events += envelope.events.length
          await released
          await stage(envelope)
        }
      },
      { concurrency: 4 },
    )

    await relayTo(transport, { config: { resendMs: 50, patienceMs: 600_000, batchEvents: 10 } })
    // Ten source progresses take ten times as long as the limit for an empty queue.
    await vi.waitFor(() => expect(rolls).toBeGreaterThan(10), until)
    expect(events).toBe(25)
    release()

    await vi.waitFor(async () => expect([await staged(key), await outboxRows()]).toEqual([25, 0]), until)
  })

  it('sends again after a timeout if the queue is never empty and makes no progress', async () => {
    const { key } = await talk(25)
    const transport = inline()
    let lost = 0
    await transport.consume(async (envelope) => {
      if (envelope.kind === 'roll-call') throw new Error('never succeeds')
      if (lost++ > 0) await stage(envelope)
    })

    await relayTo(transport, { config: { resendMs: 50, patienceMs: 300 } })

    await vi.waitFor(async () => expect([await staged(key), await outboxRows()]).toEqual([25, 0]), until)
  })

  it('sends source progress regularly, whether anything happened or not', async () => {
    const transport = inline()
    const rolls: Envelope[] = []
    await transport.consume(async (envelope) => void rolls.push(envelope))

    await relayTo(transport)
    await vi.waitFor(() => expect(rolls.length).toBeGreaterThan(2), until)
    expect(rolls[0]).toMatchObject({ kind: 'roll-call', rollCall: { sources: [] } })

    const { key } = await talk(1)
    await vi.waitFor(() => {
      const last = rolls.filter((e) => e.kind === 'roll-call').at(-1)!
      expect(last.rollCall.sources.map((s) => [`${s.source}/${s.epoch}/${s.incarnation}`, s.state, s.lastSeq])).toEqual(
        [[key, 'alive', 1]],
      )
    }, until)
  })

  it('settles an ended source once all its events are staged, and then omits it', async () => {
    const { source } = await talk(5, 'channel-1')
    const { source: other } = await talk(5, 'channel-2')
    const transport = inline()
    await stopSource(bench.poolDb, { ...source, now: systemClock.now() })
    await declareDead(bench.poolDb, { name: other.name, now: systemClock.now() })
    await relayTo(transport, { config: { resendMs: 60_000 } })
    await vi.waitFor(async () => expect((await transport.depth()).waiting).toBeGreaterThan(2), until)
    expect((await readSourceProgress(bench.poolDb, 0)).sources).toHaveLength(2)

    await transport.consume(stage)

    await vi.waitFor(async () => expect((await readSourceProgress(bench.poolDb, 0)).sources).toEqual([]), until)
    expect(await outboxRows()).toBe(0)
  })

  it('keeps naming an ended source until the compliance database knows that it ended', async () => {
    const { source, key } = await talk(5)
    await stopSource(bench.poolDb, { ...source, now: systemClock.now() })
    const transport = inline()
    let rolls = 0
    await transport.consume(async (envelope) => {
      if (envelope.kind === 'events') await stage(envelope)
      else rolls += 1
    })

    await relayTo(transport)
    await vi.waitFor(async () => expect([await staged(key), await outboxRows()]).toEqual([5, 0]), until)
    const before = rolls
    await vi.waitFor(() => expect(rolls).toBeGreaterThan(before + 3), until)

    expect((await readSourceProgress(bench.poolDb, 0)).sources).toHaveLength(1)
  })

  it('empties an outbox in which numbers are missing', async () => {
    const { source } = await talk(1_600)
    const identity = { source: source.name, epoch: source.epoch, incarnation: source.incarnation }
    const events = await readOutbox(bench.poolDb, { ...identity, afterSeq: 0, limit: 1_600 })
    await stageEvents(bench.complianceDb, { ...identity, events }, systemClock.now())
    await bench.poolDb.knex('outbox').whereBetween('seq', [2, 1_500]).delete()

    await relayTo(inline())

    await vi.waitFor(async () => expect(await outboxRows()).toBe(0), { ...until, timeout: 10_000 })
  })

  it('empties the outbox of a source that the compliance database has settled', async () => {
    const { source, key } = await talk(5)
    await stopSource(bench.poolDb, { ...source, now: systemClock.now() })
    const transport = inline()
    await transport.consume(stage)
    const first = await relayTo(transport)
    await vi.waitFor(async () => expect(await staged(key)).toBe(5), until)
    await first.stop()
    // The relay was down while the worker closed the source's last interval.
    await bench.poolDb.knex('source').update({ settled: false })
    await bench.complianceDb.knex('source').update({ finished: 1 })

    const second = await relayTo(transport)

    await vi.waitFor(async () => expect((await readSourceProgress(bench.poolDb, 0)).sources).toEqual([]), until)
    expect(await outboxRows()).toBe(0)
    await second.stop()
  })

  it('lets one of several relays work, and another take over when it stops', async () => {
    const transport = inline()
    await transport.consume(stage)
    const first = await relayTo(transport, { config: { leaseMs: 60_000 } })
    await vi.waitFor(() => expect(first.leading()).toBe(true), until)
    const second = await relayTo(transport)
    const { key } = await talk(50)
    await vi.waitFor(async () => expect(await staged(key)).toBe(50), until)
    expect([first.leading(), second.leading()]).toEqual([true, false])

    await first.stop()
    await vi.waitFor(() => expect(second.leading()).toBe(true), until)

    const { key: later } = await talk(50, 'channel-2')
    await vi.waitFor(async () => expect([await staged(later), await outboxRows()]).toEqual([50, 0]), until)
  })

  it('takes over from a relay that was killed', async () => {
    // It took its lease far in the past of all other clocks, and renews nothing.
    const dead = await relayTo(inline(), { clock: { ...systemClock, now: () => systemClock.now() - 3_600_000 } })
    await dead.stop()
    await bench.poolDb.knex('lease').update({ expires_at: systemClock.now() + 400 })
    const { key } = await talk(50)
    const transport = inline()
    await transport.consume(stage)

    const heir = await relayTo(transport)
    expect(heir.leading()).toBe(false)

    await vi.waitFor(async () => expect([await staged(key), await outboxRows()]).toEqual([50, 0]), until)
  })

  it('leaves no timer when it has stopped', async () => {
    const { key } = await talk(5)
    const timers = new Set<AbortSignal | undefined>()
    const clock: Clock = {
      ...systemClock,
      async sleep(ms, signal) {
        timers.add(signal)
        await systemClock.sleep(ms, signal)
        timers.delete(signal)
      },
    }
    const transport = inline()
    await transport.consume(stage)
    const relay = await relayTo(transport, { clock, config: { rollCallMs: 3_600_000 } })
    await vi.waitFor(async () => expect(await staged(key)).toBe(5), until)
    expect(timers.size).toBeGreaterThan(0)

    await relay.stop()

    expect(timers.size).toBe(0)
  })

  it('stops while the transport accepts nothing', async () => {
    await talk(200)
    const transport = openInlineTransport({ capacity: 1 })
    const relay = await relayTo(transport, { config: { batchEvents: 10 } })
    await vi.waitFor(async () => expect((await transport.depth()).waiting).toBe(1), until)

    await relay.stop()
    await relay.stop()

    expect(await outboxRows()).toBe(200)
    await transport.close()
  })
})
