import { type Clock, systemClock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import type { Redis } from 'ioredis'
import { readTroubles } from './troubles.ts'

/** Looks at a Redis again and again: a policy may be changed, and a primary become a replica, while everything stands. */
type RedisWatch = { stop(): void }

const EVERY_MS = 10_000

/**
 * Logs each trouble when it comes and when it is gone. `connections` are opened anew when Redis turns out to be a
 * replica: one that only publishes or listens is never told so by an error.
 */
export function watchRedis(options: {
  redis: Redis
  connections: () => readonly Redis[]
  log: Log
  clock?: Clock
}): RedisWatch {
  const { redis, connections, log, clock = systemClock } = options
  let known: readonly string[] = []
  let stopped = false

  const look = async () => {
    if (redis.status === 'ready') {
      const troubles = await readTroubles(redis)
      const texts = troubles.map(({ text }) => text)
      for (const text of texts) if (!known.includes(text)) log.error({}, text)
      for (const text of known) if (!texts.includes(text)) log.info({}, `no longer so: ${text}`)
      known = texts
      if (troubles.some(({ kind }) => kind === 'away'))
        for (const connection of connections()) if (connection.status === 'ready') connection.disconnect(true)
    }
  }
  // The connection itself reports an outage.
  const again = () =>
    clock.after(EVERY_MS, () => {
      void look()
        .catch(() => {})
        .finally(() => {
          if (!stopped) timer = again()
        })
    })
  let timer = again()
  return {
    stop() {
      stopped = true
      timer.cancel()
    },
  }
}
