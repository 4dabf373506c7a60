import type { Clock } from '@hansard/clock'
import { CONFIRMED_ALIVE_MS } from '@hansard/pool-store'

/** Tracks whether the record considers this service alive. */
type Liveness = {
  /** A commit that began at this time has succeeded: the source was alive then. */
  confirm(begunAt: number): void
  /** Whether the record confirmed a moment ago that this service is alive. */
  confirmedAlive(): boolean
}

/**
 * A service that was cut off from the database may have been declared dead, and then its participants are no longer
 * in their rooms. For half of the silence after which that happens it still delivers the chats that it receives;
 * after that only what the record confirms.
 */
export function createLiveness({
  clock,
  declareDeadAfterMs,
}: {
  clock: Pick<Clock, 'now'>
  /** 0: only an operator declares a source dead */
  declareDeadAfterMs: number
}): Liveness {
  let confirmedAt = clock.now()
  const confirmedForMs = Math.min(CONFIRMED_ALIVE_MS, (declareDeadAfterMs || Number.POSITIVE_INFINITY) / 2)
  return {
    confirm(begunAt) {
      // Not the greater of both: the clock may have been set back.
      confirmedAt = begunAt
    },
    confirmedAlive() {
      const agoMs = clock.now() - confirmedAt
      return agoMs >= 0 && agoMs < confirmedForMs
    },
  }
}
