type Waiter = { go(): void; refuse(): void }

/**
 * A bounded queue that its senders share. They are served in rotation, and where the queue is full the sender with the
 * most waiters loses its newest one: nobody is kept out by the flood of another.
 */
export type FairQueue = {
  /** Adds a waiter, or refuses it, or refuses another one in its place. */
  add(from: string, waiter: Waiter): void
  take(): Waiter | undefined
}

export function createFairQueue(max: number): FairQueue {
  // In the order in which the senders are served.
  const senders = new Map<string, Waiter[]>()
  let size = 0

  const longest = (): string => {
    let found = ''
    for (const [from, waiters] of senders) if (waiters.length > (senders.get(found)?.length ?? 0)) found = from
    return found
  }

  return {
    add(from, waiter) {
      const own = senders.get(from)
      if (size >= max) {
        const crowding = longest()
        // In the place of a sender that would still have as many as this one.
        if (senders.get(crowding)!.length <= (own?.length ?? 0) + 1) return waiter.refuse()
        size -= 1
        senders.get(crowding)!.pop()!.refuse()
      }
      size += 1
      if (own) own.push(waiter)
      else senders.set(from, [waiter])
    },
    take() {
      const [first] = senders
      if (!first) return undefined
      const [from, waiters] = first
      const waiter = waiters.shift()
      size -= 1
      senders.delete(from)
      if (waiters.length > 0) senders.set(from, waiters)
      return waiter
    },
  }
}
