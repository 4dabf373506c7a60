import { randomUUID } from 'node:crypto'
import type { Clock } from '@hansard/clock'
import type { Envelope } from '@hansard/compliance-event'
import { type Service, startLoop, stopOnce } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import type { Transport } from '@hansard/queue'
import { type Database, databaseNow, type Lease, LeaseLost, releaseLease, takeLease } from '@hansard/sql'
import { EXPORTER_LEASE, keyOfSource, recordSourceProgress, stageEvents } from '@hansard/staging'
import { type ComplianceWorkerConfig, LEASE_MS } from './config.ts'
import { createExporter } from './exporter.ts'
import { openSigningKeys } from './signing-key-file.ts'

export type ComplianceWorker = Service & {
  /** Looks for work now rather than at the next tick. */
  wake(): void
  /** Runs the exporter until it finds nothing more to do. Rejects with the error that stopped it. */
  drain(): Promise<void>
}

/**
 * A compliance worker: stages the events that the queue delivers and, while it holds the lease, exports.
 *
 * Any number may run concurrently. All of them stage; one exports. The leader lease decides which one, and its
 * fencing token keeps a former holder from doing harm. The database must have been migrated.
 */
export async function startComplianceWorker({
  complianceDb: db,
  transport,
  clock,
  log,
  config,
}: {
  complianceDb: Database
  transport: Transport
  clock: Clock
  log: Log
  config: ComplianceWorkerConfig
}): Promise<ComplianceWorker> {
  const { leaseMs = LEASE_MS } = config
  const { signingKey, pool } = config
  const keys = signingKey && (await openSigningKeys(db, { source: signingKey, pool }))
  const stack = new AsyncDisposableStack()
  // A worker restarted under its old name must not be mistaken for one that is still writing somewhere.
  const holder = `${config.workerName}#${randomUUID().slice(0, 8)}`
  const exporter = createExporter({ db, clock, log, config, holder, keys, onProgress: () => wake() })

  let lease: Lease | undefined
  stack.defer(async () => {
    // A database that is down must not keep the worker from stopping; the lease expires by itself.
    if (lease)
      await releaseLease(db, lease).catch((error: unknown) => log.warn({ err: error }, 'the lease was not released'))
  })
  const stopping = new AbortController()
  let turning: Promise<unknown> = Promise.resolve()

  /** Most ticks find nothing to do. A caller that wakes or drains the exporter expects work. */
  let woken = true
  const turn = async (signal: AbortSignal): Promise<'again' | 'pause'> => {
    if (!lease) return 'pause'
    try {
      if (!woken && !(await exporter.isDue())) return 'pause'
      woken = false
      return await exporter.turn(lease, signal)
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error
      log.warn({ holder }, error.message)
      lease = undefined
      return 'pause'
    }
  }
  const wake = () => {
    woken = true
    exporting.wake()
  }
  /** Runs one tick at a time, however many callers request one. */
  const inTurn = (): Promise<'again' | 'pause'> => {
    const mine = turning.then(() => turn(stopping.signal))
    turning = mine.catch(() => {})
    return mine
  }

  const exporting = startLoop({
    clock,
    everyMs: config.tickMs,
    turn: inTurn,
    onError: (error) => log.error({ err: error }, 'the exporter failed and tries again'),
  })
  stack.defer(async () => {
    stopping.abort()
    // A stylesheet may run for minutes; stopping does not wait for it.
    await exporter.close()
    await exporting.stop()
    await turning
  })

  const hold = async () => {
    const taken = await takeLease(db, { name: EXPORTER_LEASE, holder, clock, ttlMs: leaseMs })
    if (taken?.token === lease?.token) return
    lease = taken
    log.info({ holder, lease: taken?.token }, taken ? 'this worker exports now' : 'another worker exports')
    wake()
  }
  const holding = startLoop({
    clock,
    everyMs: leaseMs / 3,
    turn: hold,
    onError: (error) => log.error({ err: error }, 'the lease could not be requested'),
  })
  stack.defer(() => holding.stop())

  try {
    const inOrder = oneAtATimeForEachSource()
    const consumer = await transport.consume(async (envelope) => {
      await inOrder(envelope, () => take(db, clock, envelope))
      if (envelope.kind === 'roll-call') exporting.wake()
    })
    stack.defer(() => consumer.stop())
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }

  const stop = stopOnce(stack)
  return {
    wake,
    async drain() {
      await hold()
      for (;;) {
        woken = true
        const next = await inTurn()
        // A lane's result may be what a request waits for; the next tick throws the lane's error.
        const done = await exporter.settled()
        if (next === 'pause' && done === 'nothing') return
      }
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function take(db: Database, clock: Clock, envelope: Envelope): Promise<void> {
  if (envelope.kind === 'events') await stageEvents(db, envelope, clock.now())
  else await recordSourceProgress(db, envelope.rollCall, { now: await databaseNow(db, clock) })
}

/**
 * Envelopes of one source arrive in the order of its numbers and wait for each other in the database anyway. An
 * envelope that overtook the previous one would find a gap and be written twice: first parked, then staged.
 */
function oneAtATimeForEachSource() {
  const last = new Map<string, Promise<void>>()
  return (envelope: Envelope, work: () => Promise<void>): Promise<void> => {
    if (envelope.kind !== 'events') return work()
    const key = keyOfSource(envelope)
    const mine = (last.get(key) ?? Promise.resolve()).then(work)
    const settled = mine
      .catch(() => {})
      .then(() => {
        if (last.get(key) === settled) last.delete(key)
      })
    last.set(key, settled)
    return mine
  }
}
