import { backoffMs } from '@hansard/backoff'
import { Redis, type RedisOptions } from 'ioredis'

// READONLY: a primary has become a replica. UNBLOCKED: it did while a command waited there. LOADING: it has just
// started. MASTERDOWN: a replica without a primary. CLUSTERDOWN: a part of the cluster is away. Older versions put the
// word for a script's error behind others.
const ANOTHER_SERVER = /(?:^|[\s-])(READONLY|UNBLOCKED|LOADING|MASTERDOWN|CLUSTERDOWN)\b/

/** The server answered that commands belong elsewhere: a connection opened anew may lead there, through DNS or a proxy. */
export function pointsAway(error: Error): boolean {
  // The word stands at the beginning, or behind the name of a script.
  return ANOTHER_SERVER.test(error.message.slice(0, 512))
}

const RETRY = { delayMs: 50, delayMaxMs: 2_000 }

/** A connection that comes back by itself after an outage, and connects anew when the server is not the primary any more. */
export function openRedis(url: string, options: Omit<RedisOptions, 'replyMapping'>): Redis {
  return new Redis(url, {
    retryStrategy: (attempt: number) => backoffMs(attempt, RETRY),
    reconnectOnError: pointsAway,
    ...options,
  })
}
