/** A task that yields the amount of work done at each step. */
type Work = Iterator<number, unknown>

/**
 * Runs tasks one after another, in order, at most about `perTick` of work per tick of the event loop: background work
 * must not delay requests.
 */
export function createTaskQueue({ perTick, onError }: { perTick: number; onError: (error: unknown) => void }) {
  let waiting: Work[] = []
  let scheduled = false

  const tick = () => {
    let done = 0
    let at = 0
    while (at < waiting.length && done < perTick) {
      try {
        const step = waiting[at]!.next()
        if (step.done) at += 1
        else done += step.value
      } catch (error) {
        at += 1
        onError(error)
      }
    }
    waiting = waiting.slice(at)
    scheduled = waiting.length > 0
    if (scheduled) setImmediate(tick)
  }

  return {
    add(work: Work): void {
      waiting.push(work)
      if (scheduled) return
      scheduled = true
      setImmediate(tick)
    },
  }
}
