import { type Clock, systemClock } from '@hansard/clock'
import { yieldToEventLoop } from '@hansard/lifecycle'

/**
 * Yields to the event loop between the statements of a database that runs in the calling thread.
 *
 * There a statement is complete when its promise is created, so a chain of statements would run without a socket
 * being read or a timer firing. The caller therefore waits before the next statement once this tick of the event loop
 * has worked for some milliseconds.
 */
type Turns = {
  /** Resolves when the next statement may run: at once, or in a later tick. */
  take(): Promise<void>
}

/** Milliseconds of work per tick; a statement that begins within them still runs. */
const WORK_MS = 4

/** Real time, not the owner's clock: this is about the thread. */
export function createTurns(clock: Pick<Clock, 'now'> = systemClock): Turns {
  let began: number | undefined
  const isOver = () => {
    if (began === undefined) return false
    const worked = clock.now() - began
    // A clock that was set back says nothing.
    return worked >= WORK_MS || worked < 0
  }
  return {
    async take() {
      while (isOver()) await yieldToEventLoop()
      if (began !== undefined) return
      began = clock.now()
      setImmediate(() => {
        began = undefined
      })
    },
  }
}
