/** Lets everything else that is waiting for the event loop run first. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Counts work, in any unit, and yields after each `perTick` of it: await the return value. One user's input may cause
 * much work, and other users must not wait for all of it.
 */
export function yieldAfter(perTick: number): (done: number) => Promise<void> | undefined {
  let since = 0
  return (done) => {
    since += done
    if (since < perTick) return undefined
    since = 0
    return yieldToEventLoop()
  }
}
