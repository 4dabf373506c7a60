import { uptime } from 'node:os'

/**
 * Time is passed in, so that a test can set it.
 *
 * Everything that stamps an event, waits or expires takes a `Clock`. All times are integers: milliseconds since
 * 1970-01-01T00:00:00Z.
 */
export type Clock = {
  /** Milliseconds since the Unix epoch, UTC. */
  now(): number
  /**
   * The time on the machines of the database servers, where it is simulated together with this clock. Absent from a
   * clock that follows real time: then the servers are asked.
   */
  serverNow?(): number
  /**
   * Milliseconds since some fixed moment. They pass while the machine sleeps too, and nobody can set them: two readings
   * of `now()` are further apart than two of `uptime()` only when somebody has set the clock in between.
   */
  uptime(): number
  /** Calls back once after `ms` milliseconds of this clock. The timer does not keep the process alive. */
  after(ms: number, callback: () => void): Timer
  /** Resolves after `ms` milliseconds of this clock, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export type Timer = { cancel(): void }

export const systemClock: Clock = {
  now: () => Date.now(),
  uptime: readUptime,
  after(ms, callback) {
    const handle = setTimeout(callback, ms)
    handle.unref?.()
    return { cancel: () => clearTimeout(handle) }
  },
  sleep: (ms, signal) => sleepOn({ after: keepAlive }, ms, signal),
}

/** The uptime is a file to the operating system: it is read again after so many milliseconds of this process. */
const UPTIME_READ_MS = 10
let uptimeRead = { at: Number.NEGATIVE_INFINITY, ms: 0 }
let uptimeShown = 0

/** Not performance.now() alone: it stands still while the machine sleeps. */
function readUptime(): number {
  const at = performance.now()
  if (at - uptimeRead.at >= UPTIME_READ_MS) uptimeRead = { at, ms: uptime() * 1_000 }
  // The file counts in hundredths of a second.
  uptimeShown = Math.max(uptimeShown, uptimeRead.ms + (at - uptimeRead.at))
  return uptimeShown
}

/** Keeps the process alive: a sleeper will continue, and the process must not end before. */
function keepAlive(ms: number, callback: () => void): Timer {
  const handle = setTimeout(callback, ms)
  return { cancel: () => clearTimeout(handle) }
}

/** A clock that moves only when told to. Timers that fall due fire in order, each at its own time. */
export class ManualClock implements Clock {
  #now: number
  #timers: { at: number; callback: () => void }[] = []

  constructor(startMs: number) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  serverNow(): number {
    return this.#now
  }

  uptime(): number {
    return this.#now
  }

  after(ms: number, callback: () => void): Timer {
    const timer = { at: this.#now + Math.max(0, ms), callback }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((t) => t !== timer)
      },
    }
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal)
  }

  /** Moves time forward and fires what falls due on the way. */
  advance(by: { ms?: number; seconds?: number; minutes?: number; hours?: number; days?: number }): void {
    const { ms = 0, seconds = 0, minutes = 0, hours = 0, days = 0 } = by
    const target = this.#now + ms + 1_000 * (seconds + 60 * (minutes + 60 * (hours + 24 * days)))
    for (;;) {
      const due = this.#timers.filter((t) => t.at <= target).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.#timers = this.#timers.filter((t) => t !== due)
      this.#now = Math.max(this.#now, due.at)
      due.callback()
    }
    this.#now = target
  }
}

function sleepOn(clock: Pick<Clock, 'after'>, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const onAbort = () => {
      timer.cancel()
      resolve()
    }
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
