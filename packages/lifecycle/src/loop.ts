import type { Clock } from '@hansard/clock'
import type { Service } from './service.ts'

/** A background loop. `wake` runs it now instead of at the next interval; `idle` resolves when no turn is running. */
export type Loop = Service & { wake(): void; idle(): Promise<void> }

/**
 * Runs `turn` repeatedly, never concurrently, with a pause of `everyMs` between runs (a number, or a
 * function that is asked after each run). After a run that returns
 * `'again'` the next follows without a pause. A run that throws is reported to `onError` and retried after `everyMs`:
 * a loop must not end because its database was away.
 */
export function startLoop(options: {
  clock: Clock
  everyMs: number | (() => number)
  turn: (signal: AbortSignal) => Promise<'again' | 'pause' | void>
  onError: (error: unknown) => void
}): Loop {
  const { clock, everyMs, turn, onError } = options
  const stopping = new AbortController()
  let woken = false
  let wakeSleeper = () => {}
  let turning: Promise<unknown> = Promise.resolve()

  const wake = () => {
    woken = true
    wakeSleeper()
  }

  const run = async () => {
    while (!stopping.signal.aborted) {
      woken = false
      const running = turn(stopping.signal).catch((error: unknown) => {
        if (!stopping.signal.aborted) onError(error)
        return 'pause' as const
      })
      turning = running
      if ((await running) === 'again' || woken || stopping.signal.aborted) continue
      const sleeper = new AbortController()
      wakeSleeper = () => sleeper.abort()
      if (stopping.signal.aborted) break
      await clock.sleep(typeof everyMs === 'number' ? everyMs : everyMs(), sleeper.signal)
      wakeSleeper = () => {}
    }
  }

  const done = run()
  const stop = async () => {
    stopping.abort()
    wake()
    await done
  }
  return { wake, stop, idle: async () => void (await turning), [Symbol.asyncDispose]: stop }
}
