import { setImmediate } from 'node:timers/promises'

/**
 * Lets whatever else waits on this thread run. SQLite answers at once, so a loop over its pages would never come to
 * an end of its turn, and staging would stand still until a whole export is read.
 */
export async function yieldToEventLoop(): Promise<void> {
  await setImmediate()
}
