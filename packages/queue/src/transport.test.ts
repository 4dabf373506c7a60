import type { Envelope } from '@hansard/compliance-event'
import { silentLog } from '@hansard/log'
import { type SharedRedis, shareRedis } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openBullTransport, openInlineTransport, type Transport } from './index.ts'

let redis: SharedRedis
let pools = 0
let transport: Transport

beforeAll(async () => {
  redis = await shareRedis()
})
afterAll(() => redis.stop())
afterEach(() => transport.close())

const until = { timeout: 60_000, interval: 10 }

function envelope(seq: number): Envelope {
  return {
    kind: 'events',
    source: 'channel-1',
    epoch: 1,
    events: [{ seq, at: 1_000 + seq, body: `{"n":${seq}}`, head: 'h' }],
  }
}
const rollCall: Envelope = {
  kind: 'roll-call',
  rollCall: {
    takenAt: 5,
    sources: [{ source: 'a', epoch: 1, state: 'alive', startedAt: 1, lastSeq: 0, head: 'h', reportedAt: 5 }],
  },
}
const range = (n: number) => Array.from({ length: n }, (_, i) => i + 1)
const seqOf = (e: Envelope) => (e.kind === 'events' ? e.events[0]!.seq : 0)
const sorted = (numbers: number[]) => numbers.sort((a, b) => a - b)

/** What every transport promises. */
describe.each<[string, () => Transport]>([
  ['inline', () => openInlineTransport()],
  ['BullMQ', () => openBullTransport({ redisUrl: redis.url, log: silentLog, pool: `${redis.pool}-${++pools}` })],
])('the %s transport', (_, open) => {
  it('delivers what was sent, unchanged', async () => {
    transport = open()
    const got: Envelope[] = []
    await transport.consume(async (e) => void got.push(e), { concurrency: 1 })

    await transport.send([envelope(1), rollCall])

    await vi.waitFor(() => expect(got).toHaveLength(2), until)
    expect(got).toEqual([envelope(1), rollCall])
  })

  it('keeps what was sent before there is a consumer', async () => {
    transport = open()
    await transport.send(range(20).map(envelope))
    const got: number[] = []

    await transport.consume(async (e) => void got.push(seqOf(e)))

    await vi.waitFor(() => expect(sorted(got)).toEqual(range(20)), until)
  })

  it('delivers an envelope as often as it is sent: it does not deduplicate', async () => {
    transport = open()
    const got: number[] = []
    await transport.consume(async (e) => void got.push(seqOf(e)))

    await transport.send([envelope(1)])
    await transport.send([envelope(1), envelope(1)])

    await vi.waitFor(() => expect(got).toEqual([1, 1, 1]), until)
  })

  it('redelivers after a handler fails, until it succeeds, and delays nothing else', async () => {
    transport = open()
    const got: number[] = []
    let failures = 3
    await transport.consume(
      async (e) => {
        if (seqOf(e) === 1 && failures-- > 0) throw new Error('the database is away')
        got.push(seqOf(e))
      },
      { concurrency: 1 },
    )

    await transport.send([envelope(1), envelope(2), envelope(3)])

    await vi.waitFor(() => expect(got).toEqual([2, 3, 1]), until)
    await vi.waitFor(async () => expect(await transport.depth()).toEqual({ waiting: 0, active: 0, failed: 0 }), until)
  })

  it('counts an envelope that will be retried as waiting', async () => {
    transport = open()
    let attempts = 0
    await transport.consume(async () => {
      attempts += 1
      throw new Error('the database is away')
    })

    await transport.send([envelope(1)])

    await vi.waitFor(() => expect(attempts).toBeGreaterThan(1), until)
    await vi.waitFor(async () => expect(await transport.depth()).toEqual({ waiting: 1, active: 0, failed: 0 }), until)
  })

  it('handles several at a time, up to the limit', async () => {
    transport = open()
    let running = 0
    let most = 0
    const release: (() => void)[] = []
    await transport.consume(
      async () => {
        running += 1
        most = Math.max(most, running)
        await new Promise<void>((resolve) => release.push(resolve))
        running -= 1
      },
      { concurrency: 3 },
    )

    await transport.send(range(9).map(envelope))
    for (let done = 0; done < 9; done += 1) {
      await vi.waitFor(() => expect(release.length).toBeGreaterThan(0), until)
      if (done === 0) await vi.waitFor(() => expect(running).toBe(3), until)
      release.shift()!()
    }

    await vi.waitFor(() => expect(running).toBe(0), until)
    expect(most).toBe(3)
  })

  it('waits for the handler when stopped, and keeps the rest for the next consumer', async () => {
    transport = open()
    const got: number[] = []
    let finish: (() => void) | undefined
    const first = await transport.consume(
      async (e) => {
        await new Promise<void>((resolve) => {
          finish = resolve
        })
        got.push(seqOf(e))
      },
      { concurrency: 1 },
    )
    await transport.send(range(5).map(envelope))
    await vi.waitFor(() => expect(finish).toBeDefined(), until)

    let stopped = false
    const stopping = first.stop().then(() => {
      stopped = true
    })
    await Promise.resolve()
    expect(stopped).toBe(false)
    finish?.()
    await stopping
    await first.stop()

    expect(got).toHaveLength(1)
    await transport.consume(async (e) => void got.push(seqOf(e)))
    await vi.waitFor(() => expect(sorted(got)).toEqual(range(5)), until)
  })

  it('distributes the work among consumers', async () => {
    transport = open()
    const got: number[] = []
    const consumers = await Promise.all([
      transport.consume(async (e) => void got.push(seqOf(e)), { concurrency: 1 }),
      transport.consume(async (e) => void got.push(seqOf(e)), { concurrency: 1 }),
    ])

    await transport.send(range(50).map(envelope))

    await vi.waitFor(() => expect(sorted(got)).toEqual(range(50)), until)
    await consumers[0].stop()
    await transport.send([envelope(51)])
    await vi.waitFor(() => expect(sorted(got)).toEqual(range(51)), until)
  })

  it('accepts nothing after it was closed, and closes idempotently', async () => {
    transport = open()
    await transport.send([envelope(1)])

    await transport.close()
    await transport.close()

    await expect(transport.send([envelope(2)])).rejects.toMatchObject({ name: 'QueueUnavailable' })
  })
})
