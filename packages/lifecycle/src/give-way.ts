/** Lets everything else that waits for the event loop have its turn. */
export function giveWay(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Counts work, in whatever it is measured by, and gives way each time `perTurn` of it was done. What one person wrote may
 * be much work; this is what keeps everybody else from waiting for all of it.
 */
export function givingWay(perTurn: number): (done: number) => Promise<void> {
  let since = 0
  return async (done) => {
    since += done
    if (since < perTurn) return
    since = 0
    await giveWay()
  }
}
