import { ManualClock } from '@hansard/clock'
import { silentLog } from '@hansard/log'
import { type RedisServer, startRedis } from '@hansard/test-servers'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { pointsAway } from './open-redis.ts'
import { RedisUnreachable, requireRedis, UnsuitableRedis } from './require-redis.ts'
import { readTroubles } from './troubles.ts'
import { watchRedis } from './watch-redis.ts'

const until = { timeout: 20_000, interval: 20 }
let server: RedisServer
let client: Redis
beforeAll(async () => {
  server = await startRedis()
  client = new Redis(server.url)
})
afterAll(async () => {
  client.disconnect()
  await server.stop()
})
const set = (name: string, value: string) => client.call('CONFIG', 'SET', name, value)
beforeEach(() => set('maxmemory-policy', 'noeviction'))
afterEach(async () => {
  await set('maxmemory', '0')
  await client.call('REPLICAOF', 'NO', 'ONE')
})

describe('a start', () => {
  it('continues with a Redis that evicts nothing', async () => {
    await expect(requireRedis(server.url)).resolves.toBeUndefined()
  })

  it.each(['allkeys-lru', 'volatile-ttl'])('is refused while the maxmemory-policy is %s', async (policy) => {
    await set('maxmemory-policy', policy)

    const refused = expect(requireRedis(server.url)).rejects
    await refused.toThrow(UnsuitableRedis)
    await expect(requireRedis(server.url)).rejects.toThrow(
      `Redis has the maxmemory-policy ${policy} and may drop envelopes; it must be noeviction.`,
    )
  })

  it('reports in one sentence that Redis is unreachable, without its password', async () => {
    const failing = requireRedis('redis://:a-secret@127.0.0.1:1')

    await expect(failing).rejects.toThrow(RedisUnreachable)
    await expect(failing).rejects.toThrow('Redis at 127.0.0.1:1 cannot be reached: ECONNREFUSED.')
  })

  it('waits for the primary when it reached a replica', async () => {
    await client.call('REPLICAOF', '127.0.0.1', '1')

    await expect(requireRedis(server.url)).rejects.toThrow(/^Redis is a replica and takes no writes/)
  })
})

describe('a problem of a Redis', () => {
  it('is reported in sentences while it lasts', async () => {
    expect(await readTroubles(client)).toEqual([])
    await set('maxmemory', '1')
    expect((await readTroubles(client)).map(({ kind }) => kind)).toEqual(['full'])
    await set('maxmemory-policy', 'allkeys-random')
    expect((await readTroubles(client)).map(({ kind }) => kind)).toEqual(['settings', 'full'])
  })

  it('is detected when it occurs later, logged once, and logged again when it is resolved', async () => {
    const clock = new ManualClock(0)
    const lines: string[] = []
    const write = (_: unknown, text: string) => void lines.push(text)
    const log = Object.assign(Object.create(silentLog), { error: write, info: write })
    const watch = watchRedis({ redis: client, connections: () => [], log, clock })
    const said = (count: number) =>
      vi.waitFor(() => {
        clock.advance({ seconds: 10 })
        expect(lines).toHaveLength(count)
      }, until)

    await set('maxmemory-policy', 'allkeys-lru')
    await said(1)
    await set('maxmemory-policy', 'noeviction')
    await said(2)

    watch.stop()
    expect(lines[0]).toMatch(/^Redis has the maxmemory-policy allkeys-lru/)
    expect(lines[1]).toMatch(/^no longer so: Redis has/)
  })
})

it.each([
  ["READONLY You can't write against a read only replica.", true],
  [
    "ERR Error running script (call to f_1): @user_script:5: -READONLY You can't write against a read only replica.",
    true,
  ],
  ['UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)', true],
  ['LOADING Redis is loading the dataset in memory', true],
  ['MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to no.', true],
  ['CLUSTERDOWN The cluster is down', true],
  ['OOM command not allowed when used memory > maxmemory.', false],
  ['ERR unknown command', false],
])('%s: another server is looked for: %s', (message, away) => {
  expect(pointsAway(new Error(message))).toBe(away)
})
