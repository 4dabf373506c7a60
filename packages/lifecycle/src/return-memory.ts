import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Clock, systemClock } from '@hansard/clock'

/**
 * Returns the memory that a burst of work has left allocated: creating two thousand rooms at once leaves three times
 * the memory that the process otherwise needs, which V8 keeps for the next burst.
 *
 * Only for processes that do not serve chat: a collection pauses the process for some tens of milliseconds, depending
 * on the live heap. It runs only when the process has grown and has been nearly idle for half a minute.
 */
export function returnMemoryWhenQuiet(clock: Pick<Clock, 'after'> = systemClock): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (how: { type: 'major'; flavor: 'last-resort' }) => void
  let before = performance.eventLoopUtilization()
  let smallest = process.memoryUsage.rss()
  const look = () => {
    clock.after(EVERY_MS, look)
    const { utilization } = performance.eventLoopUtilization(before)
    before = performance.eventLoopUtilization()
    if (utilization > QUIET_BELOW || process.memoryUsage.rss() < GROWN * smallest) return
    collect({ type: 'major', flavor: 'last-resort' })
    smallest = process.memoryUsage.rss()
  }
  clock.after(EVERY_MS, look)
}

const EVERY_MS = 30_000
const QUIET_BELOW = 0.1
const GROWN = 1.2
