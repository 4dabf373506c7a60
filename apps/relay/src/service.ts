import { randomUUID } from 'node:crypto'
import type { Clock } from '@hansard/clock'
import { type Service, startLoop, stopOnce } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import type { Transport } from '@hansard/queue'
import { type Database, type Lease, releaseLease, takeLease } from '@hansard/sql'
import { RELAY_DEFAULTS, type RelayConfig } from './config.ts'
import { forgetStaged } from './forget-staged.ts'
import { reportProgress } from './report-progress.ts'
import { sendEvents } from './send-events.ts'
import type { SourceCursors } from './source-cursors.ts'

export type Relay = Service & {
  /** This relay holds the lease and works. Otherwise it waits for the lease. */
  leading(): boolean
  /** Reads the outbox now instead of at the next tick. */
  wake(): void
}

/**
 * The relay: moves events from the outbox to the queue, and deletes an outbox row only once the compliance database
 * has its event.
 *
 * Any number may run; a leader lease lets one work. The lease saves work and is not needed for correctness: two
 * relays that both believe they hold it send events twice, which idempotent staging tolerates, and delete only what
 * is staged.
 */
export async function startRelay(deps: {
  poolDb: Database
  complianceDb: Database
  transport: Transport
  clock: Clock
  log: Log
  config: { relayName: string } & Partial<RelayConfig>
}): Promise<Relay> {
  const { poolDb, clock, log } = deps
  const config: RelayConfig = { ...RELAY_DEFAULTS, ...deps.config }
  const cursors: SourceCursors = new Map()
  const reports = { outstanding: 0 }
  const work = { ...deps, config, cursors, reports }
  const holder = `${config.relayName} ${randomUUID()}`
  let lease: Lease | undefined
  let heldUntil = 0
  const leading = () => lease !== undefined && clock.uptime() < heldUntil

  const keepLease = async () => {
    const now = clock.uptime()
    const taken = await takeLease(poolDb, { name: 'relay', holder, clock, ttlMs: config.leaseMs })
    if (taken && taken.token !== lease?.token) {
      log.info({ relay: config.relayName, token: taken.token }, 'this relay works now')
      cursors.clear()
      reports.outstanding = 0
    }
    const begins = taken !== undefined && !leading()
    lease = taken
    heldUntil = now + config.leaseMs
    if (begins) wake()
  }

  const loop = (
    doing: string,
    everyMs: number | (() => number),
    turn: (signal: AbortSignal) => Promise<'again' | 'pause' | void>,
  ) => {
    let failing = false
    return startLoop({
      clock,
      everyMs,
      async turn(signal) {
        const next = await turn(signal)
        if (failing) log.info({ relay: config.relayName }, `${doing} works again`)
        failing = false
        return next
      },
      // Log an outage once, not ten times a second.
      onError(error) {
        if (!failing) log.warn({ err: error, relay: config.relayName }, `${doing} failed; trying again until it works`)
        failing = true
      },
    })
  }
  const whenLeading = (turn: (signal: AbortSignal) => Promise<'again' | 'pause' | void>) => (signal: AbortSignal) =>
    leading() ? turn(signal) : Promise.resolve('pause' as const)

  // While events come they are gathered; while none comes the database is asked less often.
  let busy = false
  const sending = loop(
    'sending events',
    () => (busy ? config.gatherMs : config.pollMs),
    whenLeading(async (signal) => {
      const outcome = await sendEvents(work, signal)
      busy = outcome !== 'nothing'
      return outcome === 'again' ? 'again' : 'pause'
    }),
  )
  const forgetting = loop(
    'emptying the outbox',
    // What is on its way limits what may be sent: with much of it, more is asked for soon.
    () => (crowded(work) ? Math.min(CROWDED_MS, config.gatherMs) : config.forgetMs),
    whenLeading(async () => {
      const wasCrowded = crowded(work)
      const next = await forgetStaged(work)
      if (wasCrowded) sending.wake()
      return next
    }),
  )
  const reporting = loop(
    'reporting the progress of the sources',
    config.rollCallMs,
    whenLeading((signal) => reportProgress(work, signal)),
  )
  const loops = [sending, forgetting, reporting]
  const wake = () => {
    for (const each of loops) each.wake()
  }
  const leaseLoop = loop('taking the lease', config.leaseMs / 3, keepLease)

  const stack = new AsyncDisposableStack()
  stack.defer(async () => {
    // Release the lease, so that another relay takes over at once. If the database is down, the other one waits for
    // it to expire.
    if (lease) await releaseLease(poolDb, lease).catch(() => {})
  })
  stack.defer(() => leaseLoop.stop())
  stack.defer(async () => void (await Promise.all(loops.map((each) => each.stop()))))
  const stop = stopOnce(stack)
  return { leading, wake, stop, [Symbol.asyncDispose]: stop }
}

/** So much is on its way from one source that soon no more of it may be sent. */
function crowded({ cursors, config }: { cursors: SourceCursors; config: RelayConfig }): boolean {
  return [...cursors.values()].some(({ sent, staged }) => sent - staged >= config.inFlightMax / 2)
}

const CROWDED_MS = 50
