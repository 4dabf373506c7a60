import { systemClock } from '@hansard/clock'
import type { Envelope } from '@hansard/compliance-event'
import type { Log } from '@hansard/log'
import { openRedis, readTroubles, watchRedis } from '@hansard/redis'
import { type JobsOptions, Queue, UnrecoverableError, Worker } from 'bullmq'
import type { Redis, RedisOptions } from 'ioredis'
import { QUEUES } from './catalogue.ts'
import {
  CONCURRENCY_DEFAULT,
  type Consumer,
  type EnvelopeHandler,
  QueueUnavailable,
  retryDelayMs,
  type Transport,
} from './transport.ts'

const { name, payload } = QUEUES.envelopes

/**
 * A transport over BullMQ. An envelope is a job.
 *
 * BullMQ's defaults lose or hide work: a job that stalls twice is failed, a failed job may be removed, and `add` waits
 * for ever while Redis is away. So a job is never given up on, what ends as failed is kept, and sending goes over a
 * connection that refuses at once what it cannot pass on. `pool` keeps pools that share a Redis apart.
 */
export function openBullTransport({ redisUrl, log, pool }: { redisUrl: string; log: Log; pool: string }): Transport {
  const prefix = `hansard:${pool}`
  const sending = createSending({ redisUrl, log, prefix })
  const consumers = new Set<Consumer>()

  return {
    async send(envelopes) {
      const queue = await sending.queue()
      await orUnavailable(
        queue.addBulk(envelopes.map((envelope) => ({ name: envelope.kind, data: envelope, opts: JOB }))),
      )
    },
    async consume(handler, { concurrency = CONCURRENCY_DEFAULT } = {}) {
      const stop = startConsuming({ redisUrl, log, prefix, handler, concurrency })
      const consumer: Consumer = {
        stop() {
          consumers.delete(consumer)
          return stop()
        },
      }
      consumers.add(consumer)
      return consumer
    },
    async depth() {
      const queue = await sending.queue()
      const counts = await orUnavailable(queue.getJobCounts('waiting', 'delayed', 'active', 'failed'))
      const { waiting = 0, delayed = 0, active = 0, failed = 0 } = counts
      return { waiting: waiting + delayed, active, failed }
    },
    troubles: () => sending.troubles(),
    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.stop()))
      await sending.close()
    },
  }
}

const JOB: JobsOptions = {
  // For ever: the event is needed, and the reason it could not be staged is away or full, not wrong.
  attempts: Number.MAX_SAFE_INTEGER,
  backoff: { type: 'custom' },
  removeOnComplete: true,
  removeOnFail: false,
  // One line says why; a kept stack per attempt is what fills Redis.
  stackTraceLimit: 1,
}

// A dead worker's jobs are taken over within seven seconds, not a minute; and however often that happens to a job,
// it is not failed for it.
const LOCK_MS = 5_000
const STALLED_CHECK_MS = 2_000
const STALLED_COUNT_MAX = Number.MAX_SAFE_INTEGER

/** how long a stopping consumer waits for BullMQ to end its own work */
const POLITE_MS = 5_000

const SENDING = {
  connectTimeout: 5_000,
  commandTimeout: 10_000,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
} satisfies RedisOptions
// BullMQ asks for null: its blocking command waits as long as it takes.
const CONSUMING = { maxRetriesPerRequest: null, socketTimeout: 30_000 } satisfies RedisOptions

const AWAY = 'Redis cannot be reached. Nothing is lost; events wait in the outbox.'

/**
 * The sending end. BullMQ's queue is opened only on a connection that stands: one opened while Redis is away keeps the
 * failure of its first command and rejects for ever after.
 */
function createSending({ redisUrl, log, prefix }: { redisUrl: string; log: Log; prefix: string }) {
  const redis = openRedis(redisUrl, SENDING)
  logOutages(redis, log, 'sending')
  const watch = watchRedis({ redis, connections: () => [redis], log })
  const settled = new Promise<void>((resolve) => {
    redis.once('ready', () => resolve())
    redis.once('close', () => resolve())
  })
  let opening: Promise<Queue> | undefined

  const open = async (): Promise<Queue> => {
    const queue = new Queue(name, { connection: redis, prefix, skipWaitingForReady: true })
    queue.on('error', (error) => log.debug({ err: error }, 'queue'))
    await orUnavailable(queue.waitUntilReady())
    return queue
  }

  return {
    async queue(): Promise<Queue> {
      await settled
      if (redis.status !== 'ready') throw new QueueUnavailable('Redis is away.')
      opening ??= open().catch((error: unknown) => {
        opening = undefined
        throw error
      })
      return opening
    },
    async troubles(): Promise<string[]> {
      await settled
      if (redis.status !== 'ready') return [AWAY]
      return readTroubles(redis).then(
        (troubles) => troubles.map(({ text }) => text),
        () => [AWAY],
      )
    },
    async close() {
      watch.stop()
      await (await opening?.catch(() => undefined))?.close().catch(() => {})
      redis.disconnect()
    },
  }
}

function startConsuming(options: {
  redisUrl: string
  log: Log
  prefix: string
  handler: EnvelopeHandler
  concurrency: number
}): () => Promise<void> {
  const { redisUrl, log, prefix, handler, concurrency } = options
  const { redis, connections } = openConnections(redisUrl)
  logOutages(redis, log, 'consuming')
  const underWay = new Set<Promise<void>>()

  const handle = async (data: unknown): Promise<void> => {
    const envelope = payload.safeParse(data)
    if (!envelope.success) {
      const issue = envelope.error.issues[0]
      throw new UnrecoverableError(`not an envelope: ${issue?.path.join('.')}: ${issue?.message}`)
    }
    const handling = handler(envelope.data as Envelope)
    underWay.add(handling)
    await handling.finally(() => underWay.delete(handling))
  }

  const worker = new Worker<unknown>(name, (job) => handle(job.data), {
    connection: redis,
    prefix,
    concurrency,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    maxStalledCount: STALLED_COUNT_MAX,
    settings: { backoffStrategy: (attempts) => retryDelayMs(attempts) },
  })
  worker.on('error', (error) => log.debug({ err: error }, 'queue worker'))
  worker.on('failed', (job, error) => {
    const set = error instanceof UnrecoverableError
    log[set ? 'error' : 'warn'](
      { err: error, job: job?.id, attempts: job?.attemptsMade },
      set ? 'an envelope was set aside' : 'an envelope is tried again',
    )
  })

  let stopping: Promise<void> | undefined
  return () => {
    stopping ??= (async () => {
      // BullMQ's polite close waits for a Redis that is away to come back, and for one that is frozen without end. So
      // it pauses, which ends the jobs under way. We wait for our own handlers; after that for BullMQ as long as Redis
      // is there, but not for ever; then it is closed by force. A job that it could not mark as done comes again.
      const enough = new AbortController()
      const handled = () => Promise.allSettled(underWay)
      const patience = async () => systemClock.sleep(POLITE_MS, enough.signal)
      const pausing = worker.pause().catch(() => {})
      await Promise.race([pausing, awayFrom(redis).then(handled), handled().then(patience)])
      await Promise.race([worker.close(true).catch(() => {}), patience()])
      enough.abort()
      for (const connection of connections) endForGood(connection)
    })()
    return stopping
  }
}

/** A connection that tells of the copies BullMQ makes of it, so that we can end them whatever state BullMQ is in. */
function openConnections(redisUrl: string): { redis: Redis; connections: Redis[] } {
  const redis = openRedis(redisUrl, CONSUMING)
  const connections = [redis]
  const duplicate = redis.duplicate.bind(redis)
  redis.duplicate = (override) => {
    const copy = duplicate(override)
    connections.push(copy)
    return copy
  }
  return { redis, connections }
}

/**
 * Pausing makes BullMQ connect its blocking connection anew, sometimes after it was told to close; left open, that
 * connection would keep the process from ending.
 */
function endForGood(connection: Redis): void {
  connection.connect = () => Promise.reject(new QueueUnavailable('The consumer has stopped.'))
  for (const moment of ['connect', 'ready'] as const) connection.on(moment, () => connection.disconnect())
  connection.disconnect()
}

function awayFrom(redis: Redis): Promise<void> {
  return new Promise((resolve) => {
    if (redis.status !== 'ready') resolve()
    redis.once('close', () => resolve())
  })
}

async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new QueueUnavailable('Redis did not answer.', { cause: error })
  }
}

/** One line an outage, not one an attempt. */
function logOutages(redis: Redis, log: Log, purpose: string): void {
  let away = false
  redis.on('error', (error) => {
    if (!away) log.warn({ err: error, purpose }, 'Redis is away: events wait in the outbox')
    away = true
  })
  redis.on('ready', () => {
    if (away) log.info({ purpose }, 'Redis is back')
    away = false
  })
}
