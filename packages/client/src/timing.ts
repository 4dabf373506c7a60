/** Timers and chance come in from outside, so that a test can turn them by hand. */
export type Timing = {
  /** Calls back once after `ms` milliseconds. */
  after(ms: number, callback: () => void): { cancel(): void }
  /** A number in [0, 1). */
  random(): number
}

export const systemTiming: Timing = {
  after(ms, callback) {
    const handle = setTimeout(callback, ms)
    return { cancel: () => clearTimeout(handle) }
  },
  random: () => Math.random(),
}
