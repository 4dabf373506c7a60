import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Clock, systemClock } from '@hansard/clock'

/**
 * Gives memory back that a burst of work has left behind: two thousand rooms made at once leave three times what the process
 * needs otherwise, and V8 keeps that for the next burst.
 *
 * For processes that nobody talks through: collecting stops a process for as long as it takes to go through what lives, some
 * tens of milliseconds. It happens only in a process that has hardly worked for half a minute, and that has grown.
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
