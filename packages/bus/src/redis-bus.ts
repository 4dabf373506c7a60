import type { Log } from '@hansard/log'
import { openRedis, watchRedis } from '@hansard/redis'
import type { Redis, RedisOptions } from 'ioredis'
import type { Bus } from './bus.ts'
import { type BusMessage, isRoomMessage, PoolMessage, RoomMessage } from './messages.ts'
import { createSubscriptions } from './subscriptions.ts'

// By the time Redis is back, everybody has read the chats that queued publishes would announce, and ten thousand of
// them would exhaust the service's memory. So publishes are dropped instead of queued, and readers compare with the
// record.
const CONNECTION = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  // We subscribe again ourselves, to know when messages arrive again.
  autoResubscribe: false,
  // Messages published within one tick of the event loop share one write.
  enableAutoPipelining: true,
  maxRetriesPerRequest: 0,
  connectTimeout: 5_000,
} satisfies RedisOptions

/** With more unanswered publishes than this, Redis is too slow: further ones are dropped. */
const UNANSWERED_MAX = 10_000

/** A bus over Redis pub/sub. `pool` keeps pools that share a Redis apart. */
export function openRedisBus({ redisUrl, log, pool }: { redisUrl: string; log: Log; pool: string }): Bus {
  const poolChannel = `hansard:${pool}:pool`
  const roomChannel = (room: number) => `hansard:${pool}:room:${room}`
  const subscriptions = createSubscriptions<BusMessage>(log)
  /** channels that Redis delivers to this service now */
  const subscribed = new Set<string>()
  const reconnected: (() => void)[] = []
  const publisher = connect(redisUrl, log, 'publishing')
  const subscriber = connect(redisUrl, log, 'hearing')
  const watch = watchRedis({
    redis: publisher.redis,
    connections: () => [publisher.redis, subscriber.redis],
    log,
  })
  let unanswered = 0

  subscriber.redis.on('ready', () => {
    const channels = subscriptions.channels()
    if (channels.length === 0) return
    // If this fails, the connection has ended, and the next connection comes here again.
    subscriber.redis.subscribe(...channels).then(
      () => {
        for (const channel of channels) subscribed.add(channel)
        for (const callback of reconnected) callback()
      },
      (error: unknown) => log.warn({ err: error }, 'cannot subscribe to a bus channel'),
    )
  })

  subscriber.redis.on('close', () => subscribed.clear())

  subscriber.redis.on('message', (channel: string, text: string) => {
    const schema = channel === poolChannel ? PoolMessage : RoomMessage
    const message = schema.safeParse(jsonOf(text))
    if (message.success) subscriptions.deliver(channel, message.data)
    else log.warn({ channel, problem: message.error.issues[0] }, 'ignored an invalid bus message')
  })

  const subscribe = async (channel: string, handler: (message: BusMessage) => void) => {
    const remove = subscriptions.add(channel, handler)
    await Promise.all([publisher.settled, subscriber.settled])
    if (subscriber.redis.status === 'ready') {
      await subscriber.redis.subscribe(channel).then(
        () => subscribed.add(channel),
        () => {},
      )
    }
    return async () => {
      if (remove() !== 'last' || subscriber.redis.status !== 'ready') return
      subscribed.delete(channel)
      await subscriber.redis.unsubscribe(channel).catch(() => {})
    }
  }

  return {
    publish(message, heard) {
      if (publisher.redis.status !== 'ready' || unanswered >= UNANSWERED_MAX) return
      const channel = isRoomMessage(message) ? roomChannel(message.room) : poolChannel
      unanswered += 1
      publisher.redis
        .publish(channel, JSON.stringify(message))
        // Redis counts connections. While our own may not be among them, the one it counts may be another service's.
        .then((connections) => heard?.(connections > 1 || !subscribed.has(channel)))
        .catch(() => {})
        .finally(() => {
          unanswered -= 1
        })
    },
    subscribeRoom: (room, handler) => subscribe(roomChannel(room), (message) => handler(message as RoomMessage)),
    subscribePool: (handler) => subscribe(poolChannel, (message) => handler(message as PoolMessage)),
    onReconnected(callback) {
      reconnected.push(callback)
    },
    async close() {
      watch.stop()
      subscriptions.clear()
      publisher.redis.disconnect()
      subscriber.redis.disconnect()
    },
  }
}

/** `settled`: the first attempt to connect has ended, successful or not. Logs one line per outage, not per attempt. */
function connect(redisUrl: string, log: Log, purpose: string): { redis: Redis; settled: Promise<void> } {
  const redis = openRedis(redisUrl, CONNECTION)
  let away = false
  redis.on('error', (error) => {
    if (!away)
      log.warn({ err: error, purpose }, 'Redis is unreachable: other services get no hints and read the record instead')
    away = true
  })
  redis.on('ready', () => {
    if (away) log.info({ purpose }, 'Redis is back')
    away = false
  })
  const settled = new Promise<void>((resolve) => {
    redis.once('ready', () => resolve())
    redis.once('close', () => resolve())
  })
  return { redis, settled }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
