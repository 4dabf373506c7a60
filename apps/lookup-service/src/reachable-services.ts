import type { Clock } from '@hansard/clock'
import { coalesce, type Loop, startLoop } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import type { Assignments } from './assignments.ts'
import { probeEndpoint } from './probe-endpoint.ts'

/**
 * Lifetime of a probe's result: during a rush of sign-ins a service is probed ten times a second, not once per
 * sign-in.
 */
const FRESH_MS = 100
const RETRY_MS = 1_000

type Named = { readonly service: string; readonly endpoint: string }

/**
 * Assigns only channel services that answer.
 *
 * A load report proves that a service ran when it was sent. A service that was killed since, or that clients cannot
 * reach, is detected by a probe before a client is sent there, and is left out until it answers again. Reports of
 * clients do not count: a client could make the pool distrust a healthy service.
 */
type ReachableServices = {
  assign(active: readonly string[], avoid: string | undefined): Promise<Named | undefined>
  readonly loop: Loop
}

export function createReachableServices({
  assignments,
  clock,
  log,
}: {
  assignments: Assignments
  clock: Clock
  log: Log
}): ReachableServices {
  const answeredAt = new Map<string, number>()
  const asking = new Map<string, Promise<boolean>>()

  const isReachable = (named: Named): Promise<boolean> => {
    const { endpoint } = named
    const at = answeredAt.get(endpoint)
    if (at !== undefined && clock.uptime() - at <= FRESH_MS) return Promise.resolve(true)
    const running = asking.get(endpoint)
    if (running) return running
    const begunAt = clock.uptime()
    const answer = probeEndpoint(named, clock).then((reachable) => {
      asking.delete(endpoint)
      if (reachable) answeredAt.set(endpoint, begunAt)
      else answeredAt.delete(endpoint)
      return reachable
    })
    asking.set(endpoint, answer)
    return answer
  }

  const retrySuspended = async () => {
    await Promise.all(
      assignments.suspended().map(async (named) => {
        if (!(await isReachable(named))) return
        assignments.restore(named.service)
        log.info(named, 'a channel service answers again')
      }),
    )
  }
  const onError = (error: unknown) => log.warn({ err: error }, 'asking channel services failed')
  const loop = startLoop({ clock, everyMs: RETRY_MS, turn: retrySuspended, onError })
  const retryAtOnce = coalesce(retrySuspended)

  return {
    async assign(active, avoid) {
      for (let last = false; ; ) {
        const chosen = assignments.assign(active, avoid)
        if (chosen) {
          if (await isReachable(chosen)) return chosen
          assignments.suspend(chosen.service)
          log.warn(chosen, 'a channel service does not answer; clients are sent to others')
        } else if (last || assignments.suspended().length === 0) {
          return undefined
        } else {
          // Before refusing a client, probe once more those that did not answer a moment ago.
          last = true
          await retryAtOnce()
        }
      }
    },
    loop,
  }
}
