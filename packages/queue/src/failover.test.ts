import type { Envelope } from '@hansard/compliance-event'
import { silentLog } from '@hansard/log'
import { startBreakableProxy, startRedis } from '@hansard/test-servers'
import { Redis } from 'ioredis'
import { afterEach, expect, it, vi } from 'vitest'
import { openBullTransport } from './index.ts'

const until = { timeout: 30_000, interval: 20 }
const close: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const each of close.splice(0).reverse()) await each()
})

const envelope = (seq: number): Envelope => ({
  kind: 'events',
  source: 'channel-1',
  epoch: 1,
  events: [{ seq, at: seq, body: '{}', head: 'h' }],
})

it('follows a failover, although its connections to the former primary are still open', async () => {
  const [first, second] = await Promise.all([startRedis(), startRedis()])
  close.push(
    () => first.stop(),
    () => second.stop(),
  )
  const proxy = await startBreakableProxy(first.url)
  close.push(() => proxy.stop())
  const transport = openBullTransport({ redisUrl: proxy.url, log: silentLog, pool: 'p' })
  close.push(() => transport.close())
  const got: number[] = []
  await transport.consume(async (each) => void got.push(each.kind === 'events' ? each.events[0]!.seq : 0))
  await transport.send([envelope(1)])
  await vi.waitFor(() => expect(got).toEqual([1]), until)

  const admin = new Redis(first.url)
  await admin.call('REPLICAOF', '127.0.0.1', String(second.port))
  await expect(transport.send([envelope(2)])).rejects.toMatchObject({ name: 'QueueUnavailable' })
  await vi.waitFor(
    async () => expect(await transport.troubles()).toEqual([expect.stringMatching(/^Redis is a replica/)]),
    until,
  )
  proxy.leadTo(second.url)
  admin.disconnect()

  await vi.waitFor(() => transport.send([envelope(3)]), until)
  await vi.waitFor(() => expect(got).toContain(3), until)
  expect(await transport.troubles()).toEqual([])
})
