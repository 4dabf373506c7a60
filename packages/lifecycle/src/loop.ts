import type { Clock } from '@hansard/clock'
import type { Service } from './service.ts'

/** A background loop. `wake` runs it now instead of at the next tick; `idle` resolves when no turn is running. */
export type Loop = Service & { wake(): void; idle(): Promise<void> }

/**
 * Runs `turn` again and again, never twice at once, pausing `everyMs` between turns: always as long, or as long as a
 * function says after each turn. A turn that
 * answers `'again'` is followed by the next without a pause. A turn that throws is reported to
 * `onError` and tried again after `everyMs`: a loop does not end because its database was away.
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
