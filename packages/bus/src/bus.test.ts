import { silentLog } from '@hansard/log'
import { type SharedRedis, shareRedis, startRedis } from '@hansard/test-servers'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Bus, type BusMessage, openInlineBus, openRedisBus } from './index.ts'

let redis: SharedRedis
let pools = 0

beforeAll(async () => {
  redis = await shareRedis()
})
afterAll(() => redis.stop())

const until = { timeout: 60_000, interval: 10 }
const chat = (room: number, id: number): BusMessage => ({
  t: 'chats',
  room,
  from: 'a',
  rights: 1,
  chats: [{ id, frame: `#${id}` }],
})
const load: BusMessage = { t: 'load', service: 'a', endpoint: 'ws://a', sessions: 1, sessionsMax: 10 }

/** Two ends of one bus: two services, or one service twice. */
const kinds: Record<string, () => { here: Bus; there: Bus }> = {
  inline() {
    const bus = openInlineBus()
    return { here: bus, there: bus }
  },
  Redis() {
    const pool = `${redis.pool}-${++pools}`
    const open = () => openRedisBus({ redisUrl: redis.url, log: silentLog, pool })
    return { here: open(), there: open() }
  },
}

describe.each(Object.keys(kinds))('the %s bus', (kind) => {
  let here: Bus
  let there: Bus
  let heard: BusMessage[]
  const hear = (message: BusMessage) => void heard.push(message)

  beforeEach(() => {
    ;({ here, there } = kinds[kind]!())
    heard = []
    return async () => {
      await here.close()
      await there.close()
    }
  })

  it('delivers what is published to a room to its subscribers, in order', async () => {
    await there.subscribeRoom(7, hear)
    await here.subscribePool(() => {})

    for (let id = 1; id <= 100; id += 1) here.publish(chat(7, id))

    await vi.waitFor(() => expect(heard).toHaveLength(100), until)
    expect(heard).toEqual(Array.from({ length: 100 }, (_, i) => chat(7, i + 1)))
  })

  it('separates rooms from one another, and rooms from the pool', async () => {
    await there.subscribeRoom(7, hear)
    const atPool: BusMessage[] = []
    await there.subscribePool((message) => void atPool.push(message))
    await here.subscribePool(() => {})

    here.publish(chat(8, 1))
    here.publish(load)
    here.publish(chat(7, 1))

    await vi.waitFor(() => expect([heard.length, atPool.length]).toEqual([1, 1]), until)
    expect(heard).toEqual([chat(7, 1)])
    expect(atPool).toEqual([load])
  })

  it('never runs a handler inside publish', async () => {
    await here.subscribeRoom(7, hear)

    here.publish(chat(7, 1))

    expect(heard).toEqual([])
    await vi.waitFor(() => expect(heard).toHaveLength(1), until)
  })

  it('stops delivering to one subscriber and continues with the other', async () => {
    const other: BusMessage[] = []
    const unsubscribe = await there.subscribeRoom(7, hear)
    await there.subscribeRoom(7, (message) => void other.push(message))

    await unsubscribe()
    await unsubscribe()
    here.publish(chat(7, 1))

    await vi.waitFor(() => expect(other).toHaveLength(1), until)
    expect(heard).toEqual([])
  })

  it('delivers again after unsubscribing and subscribing at once', async () => {
    const unsubscribe = await there.subscribeRoom(7, () => {})
    const leaving = unsubscribe()
    await there.subscribeRoom(7, hear)
    await leaving

    here.publish(chat(7, 1))

    await vi.waitFor(() => expect(heard).toHaveLength(1), until)
  })

  it('delivers to the others when one handler throws', async () => {
    await there.subscribeRoom(7, () => {
      throw new Error('broken')
    })
    await there.subscribeRoom(7, hear)

    here.publish(chat(7, 1))

    await vi.waitFor(() => expect(heard).toHaveLength(1), until)
  })

  it('accepts a message after it was closed, and delivers it to nobody', async () => {
    await there.subscribeRoom(7, hear)
    await there.close()
    await here.close()

    expect(() => here.publish(chat(7, 1))).not.toThrow()
    expect(heard).toEqual([])
  })
})

describe('the Redis bus', () => {
  it('separates pools that share a Redis', async () => {
    const a = openRedisBus({ redisUrl: redis.url, log: silentLog, pool: 'east' })
    const b = openRedisBus({ redisUrl: redis.url, log: silentLog, pool: 'west' })
    const heard: BusMessage[] = []
    await b.subscribeRoom(7, (message) => void heard.push(message))
    await a.subscribePool(() => {})

    a.publish(chat(7, 1))
    b.publish(chat(7, 2))

    await vi.waitFor(() => expect(heard).toHaveLength(1), until)
    expect(heard).toEqual([chat(7, 2)])
    await a.close()
    await b.close()
  })

  it('says whether other services may hear a message', async () => {
    const { here, there } = kinds['Redis']!()
    const answers: boolean[] = []
    const publish = async (after: number) => {
      here.publish(chat(7, 1), (byOthers) => void answers.push(byOthers))
      await vi.waitFor(() => expect(answers).toHaveLength(after), until)
    }
    await here.subscribePool(() => {})
    // Redis counts nobody; but this service is not among those it counts.
    await publish(1)
    await here.subscribeRoom(7, () => {})
    await here.subscribeRoom(7, () => {})
    await publish(2)
    const leave = await there.subscribeRoom(7, () => {})
    await publish(3)
    await leave()
    await publish(4)

    expect(answers).toEqual([true, false, true, false])
    await here.close()
    await there.close()
  })

  it('ignores an invalid message and continues', async () => {
    const bus = openRedisBus({ redisUrl: redis.url, log: silentLog, pool: 'odd' })
    const heard: BusMessage[] = []
    await bus.subscribeRoom(7, (message) => void heard.push(message))
    const stranger = new Redis(redis.url)

    await stranger.publish('hansard:odd:room:7', 'not JSON')
    await stranger.publish('hansard:odd:room:7', '{"t":"chats","room":7}')
    await stranger.publish('hansard:odd:room:7', JSON.stringify(chat(7, 1)))

    await vi.waitFor(() => expect(heard).toEqual([chat(7, 1)]), until)
    stranger.disconnect()
    await bus.close()
  })

  it('drops messages while Redis is away, then delivers again and reports that some may be missing', async () => {
    await using own = await startRedis()
    const bus = openRedisBus({ redisUrl: own.url, log: silentLog, pool: 'p' })
    const heard: BusMessage[] = []
    await bus.subscribeRoom(7, (message) => void heard.push(message))
    const reconnected = vi.fn()
    bus.onReconnected(reconnected)

    await own.kill()
    bus.publish(chat(7, 1))
    expect(reconnected).not.toHaveBeenCalled()
    await own.restart()

    await vi.waitFor(() => expect(reconnected).toHaveBeenCalled(), until)
    await vi.waitFor(() => {
      bus.publish(chat(7, 2))
      expect(heard.length).toBeGreaterThan(0)
    }, until)
    expect(heard[0]).toEqual(chat(7, 2))
    await bus.close()
  })

  it('lets services start while Redis is away, and delivers once it is back', async () => {
    await using own = await startRedis()
    await own.kill()
    const bus = openRedisBus({ redisUrl: own.url, log: silentLog, pool: 'p' })
    const reconnected = vi.fn()
    bus.onReconnected(reconnected)
    const heard: BusMessage[] = []

    await bus.subscribeRoom(7, (message) => void heard.push(message))
    bus.publish(chat(7, 1))
    await own.restart()

    await vi.waitFor(() => expect(reconnected).toHaveBeenCalled(), until)
    await vi.waitFor(() => {
      bus.publish(chat(7, 2))
      expect(heard.length).toBeGreaterThan(0)
    }, until)
    expect(heard[0]).toEqual(chat(7, 2))
    await bus.close()
  })
})
