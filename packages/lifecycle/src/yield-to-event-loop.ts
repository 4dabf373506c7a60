/** Lets everything else that waits for the event loop run before the caller goes on. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Counts work, in any unit, and yields each time `perTick` of it was done: await what is returned then. What one person
 * wrote may be much work, and everybody else must not wait for all of it.
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
