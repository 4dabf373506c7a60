import type { Clock } from '@hansard/clock'

/** Counts failures by key and says when there were too many. Bounded: the oldest keys are forgotten first. */
type AttemptLimiter = {
  /** Milliseconds until this key may try again; 0 when it may now. */
  waitMs(key: string): number
  failed(key: string): void
  /** One failure that was none. */
  takenBack(key: string): void
}

export function createAttemptLimiter(options: {
  clock: Clock
  failuresMax: number
  windowMs: number
  keysMax?: number
}): AttemptLimiter {
  const { clock, failuresMax, windowMs, keysMax = 50_000 } = options
  const failures = new Map<string, { count: number; since: number }>()

  const current = (key: string) => {
    const entry = failures.get(key)
    if (entry && clock.now() - entry.since >= windowMs) {
      failures.delete(key)
      return undefined
    }
    return entry
  }

  return {
    waitMs(key) {
      const entry = current(key)
      return entry && entry.count >= failuresMax ? entry.since + windowMs - clock.now() : 0
    },
    failed(key) {
      const entry = current(key) ?? { count: 0, since: clock.now() }
      entry.count += 1
      failures.delete(key)
      failures.set(key, entry)
      if (failures.size > keysMax) failures.delete(failures.keys().next().value!)
    },
    takenBack(key) {
      const entry = current(key)
      if (!entry) return
      entry.count -= 1
      if (entry.count <= 0) failures.delete(key)
    },
  }
}
