/** Lets everything else that waits for the event loop have its turn. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Counts work, in whatever it is measured by, and gives way each time `perTurn` of it was done: what it answers then is to
 * be waited for. What one person wrote may be much work; this is what keeps everybody else from waiting for all of it.
 */
export function yieldAfter(perTurn: number): (done: number) => Promise<void> | undefined {
  let since = 0
  return (done) => {
    since += done
    if (since < perTurn) return undefined
    since = 0
    return yieldToEventLoop()
  }
}
