import { type Clock, systemClock } from '@hansard/clock'
import { yieldToEventLoop } from '@hansard/lifecycle'

/**
 * Lets the event loop go round between the statements of a database that answers in the calling thread.
 *
 * There a statement is done when its promise is made, and a chain of them goes on and on without a socket being read or a
 * timer going off. So whoever wants the next one waits, once this turn of the event loop has worked for some milliseconds.
 */
export type Turns = {
  /** Resolves when more may be done: at once, or in a later turn. */
  take(): Promise<void>
}

/** A turn works for so many milliseconds, and for the statement that begins within them. */
const WORK_MS = 4

/** Real time, whatever clock its owner keeps: this is about the thread. */
export function createTurns(clock: Pick<Clock, 'now'> = systemClock): Turns {
  let began: number | undefined
  const isOver = () => {
    if (began === undefined) return false
    const worked = clock.now() - began
    // A clock that was put back tells nothing.
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
