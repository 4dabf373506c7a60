/** Work that says as it goes how much of it was done. */
type Work = Iterator<number, unknown>

/**
 * Does one work after another, in the order they come, at most about `perTurn` of it in a turn of the event loop: what
 * nobody waits for must not keep those who wait.
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
