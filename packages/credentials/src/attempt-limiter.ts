import type { Clock } from '@hansard/clock'

/** Counts failures by key and says when there were too many. Bounded: the oldest keys are forgotten first. */
export type AttemptLimiter = {
  /** Milliseconds until this key may try again; 0 when it may now. */
  waitMs(key: string): number
  failed(key: string): void
  succeeded(key: string): void
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
    succeeded(key) {
      failures.delete(key)
    },
  }
}
