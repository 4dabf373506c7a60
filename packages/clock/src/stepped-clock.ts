import type { Clock, Timer } from './clock.ts'

/**
 * A clock that can be set, as a machine's can: what it shows differs from `base` by the sum of its steps. Its timers and
 * its uptime are those of `base`.
 */
export class SteppedClock implements Clock {
  readonly #base: Clock
  #stepMs = 0
  #serverStepMs = 0

  constructor(base: Clock) {
    this.#base = base
  }

  now(): number {
    return this.#base.now() + this.#stepMs
  }

  serverNow(): number {
    return (this.#base.serverNow?.() ?? this.#base.now()) + this.#serverStepMs
  }

  uptime(): number {
    return this.#base.uptime()
  }

  /** Sets this clock forward, or back. */
  step(ms: number): void {
    this.#stepMs += ms
  }

  /** Sets the clock of the database servers forward, or back. */
  stepServer(ms: number): void {
    this.#serverStepMs += ms
  }

  after(ms: number, callback: () => void): Timer {
    return this.#base.after(ms, callback)
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#base.sleep(ms, signal)
  }
}
