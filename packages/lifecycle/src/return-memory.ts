import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Clock, systemClock } from '@hansard/clock'

/**
 * Returns the memory that a burst of work has left allocated: V8 keeps the memory of a burst, such as
 * creating two thousand rooms at once, for the next one.
 *
 * Only for processes that do not serve chat: a collection pauses the process for some tens of milliseconds, depending
 * on the live heap. It runs only when the process has grown and has been nearly idle for half a minute.
 */
export function returnMemoryWhenQuiet(clock: Pick<Clock, 'after'> = systemClock, busy = busySinceLastAsked()): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (how: { type: 'major'; flavor: 'last-resort' }) => void
  let smallest = process.memoryUsage.rss()
  const look = () => {
    clock.after(EVERY_MS, look)
    if (busy() > QUIET_BELOW || process.memoryUsage.rss() < GROWN * smallest) return
    collect({ type: 'major', flavor: 'last-resort' })
    smallest = process.memoryUsage.rss()
  }
  clock.after(EVERY_MS, look)
}

/** The share of time that the event loop has worked since the last call. */
function busySinceLastAsked(): () => number {
  let before = performance.eventLoopUtilization()
  return () => {
    const { utilization } = performance.eventLoopUtilization(before)
    before = performance.eventLoopUtilization()
    return utilization
  }
}

const EVERY_MS = 30_000
const QUIET_BELOW = 0.1
const GROWN = 1.2
