import { Redis } from 'ioredis'
import { readTroubles } from './troubles.ts'

/** Transient: it may be reached later. The address is named, its password is not. */
export class RedisUnreachable extends Error {
  override name = 'RedisUnreachable'
  readonly exitCode = 3
}

/** Needs a person: this Redis may lose what the queue holds. */
export class UnsuitableRedis extends Error {
  override name = 'UnsuitableRedis'
  readonly exitCode = 2
}

const CONNECT_MS = 5_000

/** Rejects unless the Redis can be reached, takes writes and drops nothing by itself. */
export async function requireRedis(url: string): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    commandTimeout: CONNECT_MS,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  })
  let lastError: unknown
  redis.on('error', (error) => {
    lastError = error
  })
  try {
    await redis.connect()
    const troubles = await readTroubles(redis)
    const wrong = troubles.find(({ kind }) => kind === 'settings')
    if (wrong) throw new UnsuitableRedis(wrong.text)
    const away = troubles.find(({ kind }) => kind === 'away')
    if (away) throw new RedisUnreachable(away.text)
  } catch (error) {
    if (error instanceof UnsuitableRedis || error instanceof RedisUnreachable) throw error
    const reason = wordsOf(lastError ?? error)
    throw new RedisUnreachable(`Redis at ${addressOf(url)} cannot be reached: ${reason}.`, { cause: error })
  } finally {
    redis.disconnect()
  }
}

function addressOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the address in HANSARD_REDIS_URL'
}

function wordsOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  return (code ?? message ?? String(error)).replace(/\.$/, '')
}
