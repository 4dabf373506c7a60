import type { Envelope } from '@hansard/compliance-event'
import { silentLog } from '@hansard/log'
import { type RedisServer, startRedis } from '@hansard/test-servers'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openBullTransport, type Transport } from './index.ts'

let redis: RedisServer
const open: Transport[] = []

beforeEach(async () => {
  redis = await startRedis()
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()))
  await redis.stop()
})

const until = { timeout: 60_000, interval: 20 }
const envelope = (seq: number): Envelope => ({
  kind: 'events',
  source: 'channel-1',
  epoch: 1,
  events: [{ seq, at: seq, body: '{}', head: 'h' }],
})
const seqOf = (e: Envelope) => (e.kind === 'events' ? e.events[0]!.seq : 0)

function openTransport(pool = 'p'): Transport {
  const transport = openBullTransport({ redisUrl: redis.url, log: silentLog, pool })
  open.push(transport)
  return transport
}

async function administer(work: (client: Redis) => Promise<unknown>): Promise<void> {
  const client = new Redis(redis.url)
  await work(client)
  client.disconnect()
}

describe('the BullMQ transport', () => {
  it('refuses to send while Redis is away instead of waiting, and sends when it is back', async () => {
    await redis.kill()
    const transport = openTransport()

    await expect(transport.send([envelope(1)])).rejects.toMatchObject({ name: 'QueueUnavailable' })
    await expect(transport.depth()).rejects.toMatchObject({ name: 'QueueUnavailable' })

    await redis.restart()
    await vi.waitFor(() => transport.send([envelope(1)]), until)
    expect(await transport.depth()).toEqual({ waiting: 1, active: 0, failed: 0 })
  })

  it('continues after Redis was killed and restarted, with everything it had acknowledged', async () => {
    const transport = openTransport()
    const got = new Set<number>()
    await transport.send([envelope(1), envelope(2)])

    await redis.kill()
    await expect(transport.send([envelope(3)])).rejects.toMatchObject({ name: 'QueueUnavailable' })
    await redis.restart()
    await transport.consume(async (e) => void got.add(seqOf(e)))
    await vi.waitFor(() => transport.send([envelope(4)]), until)

    await vi.waitFor(() => expect([...got].sort()).toEqual([1, 2, 4]), until)
  })

  it('redelivers what was being handled when Redis was killed', async () => {
    const transport = openTransport()
    let finish = () => {}
    const blocked = new Promise<void>((resolve) => {
      finish = resolve
    })
    const finished: number[] = []
    await transport.consume(async (e) => {
      await blocked
      finished.push(seqOf(e))
    })
    await transport.send([envelope(1)])
    await vi.waitFor(async () => expect((await transport.depth()).active).toBe(1), until)

    await redis.kill()
    finish()
    await redis.restart()
    await vi.waitFor(() => transport.send([envelope(2)]), until)

    await vi.waitFor(() => expect(new Set(finished)).toEqual(new Set([1, 2])), until)
    await vi.waitFor(async () => expect(await transport.depth()).toEqual({ waiting: 0, active: 0, failed: 0 }), until)
  })

  it('starts consuming while Redis is away and works when it is back', async () => {
    await redis.kill()
    const transport = openTransport()
    const got: number[] = []
    await transport.consume(async (e) => void got.push(seqOf(e)))

    await redis.restart()
    await vi.waitFor(() => transport.send([envelope(1)]), until)

    await vi.waitFor(() => expect(got).toEqual([1]), until)
  })

  it('keeps a working consumer when everything in Redis is wiped', async () => {
    const transport = openTransport()
    const got: number[] = []
    let finish = () => {}
    await transport.consume(async (e) => {
      if (seqOf(e) === 1) {
        await new Promise<void>((resolve) => {
          finish = resolve
        })
      }
      got.push(seqOf(e))
    })
    await transport.send([envelope(1)])
    await vi.waitFor(async () => expect((await transport.depth()).active).toBe(1), until)

    await administer((client) => client.flushall())
    finish()
    await transport.send([envelope(2)])
    await vi.waitFor(() => expect(got).toContain(2), until)

    await administer((client) => client.flushall())
    await transport.send([envelope(3)])
    await vi.waitFor(() => expect(got).toContain(3), until)
  })

  it('redelivers the unfinished work of a disconnected consumer', async () => {
    const dying = openTransport()
    // Its only slot stays taken: it reconnects after the kill, and must not take the job again itself.
    await dying.consume(() => new Promise(() => {}), { concurrency: 1 })
    await dying.send([envelope(1)])
    await vi.waitFor(async () => expect((await dying.depth()).active).toBe(1), until)
    // A killed process renews no lock: take the lock away, and keep the dying one from renewing it.
    await administer(async (client) => {
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      for (const key of await client.keys('*:lock')) await client.del(key)
    })

    const transport = openTransport()
    const got: number[] = []
    await transport.consume(async (e) => void got.push(seqOf(e)))

    await vi.waitFor(() => expect(got).toEqual([1]), until)
    open.splice(open.indexOf(dying), 1)
  })

  it('stops while Redis is frozen and answers nothing', async () => {
    const transport = openTransport()
    const got: number[] = []
    const consumer = await transport.consume(async (e) => void got.push(seqOf(e)))
    await transport.send([envelope(1)])
    await vi.waitFor(() => expect(got).toEqual([1]), until)

    process.kill(redis.pid, 'SIGSTOP')
    try {
      await consumer.stop()
    } finally {
      process.kill(redis.pid, 'SIGCONT')
    }

    await vi.waitFor(() => transport.send([envelope(2)]), until)
    expect(await transport.depth()).toMatchObject({ waiting: 1 })
    expect(got).toEqual([1])
  })

  it('stops while Redis is away, after the handler has finished', async () => {
    const transport = openTransport()
    let finish: (() => void) | undefined
    const consumer = await transport.consume(
      () =>
        new Promise((resolve) => {
          finish = resolve
        }),
    )
    await transport.send([envelope(1)])
    await vi.waitFor(() => expect(finish).toBeDefined(), until)

    await redis.kill()
    let stopped = false
    const stopping = consumer.stop().then(() => {
      stopped = true
    })
    await vi.waitFor(() => expect(transport.send([envelope(2)])).rejects.toThrow(), until)
    expect(stopped).toBe(false)
    finish?.()

    await stopping
  })

  it('closes when Redis has just gone away', async () => {
    const transport = openTransport()
    await transport.consume(async () => {})
    await transport.send([envelope(1)])

    await redis.kill()

    await transport.close()
  })

  it('sets aside and counts invalid envelopes, and continues', async () => {
    const transport = openTransport()
    const got: number[] = []
    await transport.consume(async (e) => void got.push(seqOf(e)))
    const connection = new Redis(redis.url, { maxRetriesPerRequest: null })
    const stranger = new Queue('envelopes', { connection, prefix: 'hansard:p' })

    await stranger.add('events', { kind: 'events', source: '' })
    await transport.send([envelope(1)])

    await vi.waitFor(() => expect(got).toEqual([1]), until)
    await vi.waitFor(async () => expect(await transport.depth()).toEqual({ waiting: 0, active: 0, failed: 1 }), until)
    await stranger.close()
    connection.disconnect()
  })

  it('separates pools that share a Redis', async () => {
    const east = openTransport('east')
    const west = openTransport('west')
    const got: string[] = []
    await west.consume(async (e) => void got.push(`west ${seqOf(e)}`))

    await east.send([envelope(1)])
    await west.send([envelope(2)])

    await vi.waitFor(() => expect(got).toEqual(['west 2']), until)
    expect((await east.depth()).waiting).toBe(1)
  })
})
