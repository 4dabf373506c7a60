/**
 * Intervals: half-open slices `[start, end)` of UTC.
 *
 * Intervals are contiguous: the end of one is the start of the next, so an event belongs to exactly one of them,
 * whatever daylight saving does at the pool's location. Boundaries are whole multiples of the run interval since
 * 1970-01-01T00:00:00Z: quarters of an hour end at :00, :15, :30 and :45, days at midnight UTC. Sealing by hand adds
 * a boundary; the next one after it is again a multiple.
 */
export type Interval = { readonly startsAt: number; readonly endsAt: number }

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export const RUN_INTERVAL_MIN_MS = MINUTE
export const RUN_INTERVAL_MAX_MS = 30 * DAY

const UNITS: Readonly<Record<string, number>> = { m: MINUTE, h: HOUR, d: DAY }
const SHORT = /^(\d{1,6})([mhd])$/
const TIME_SPAN = /^(?:(\d{1,2})\.)?(\d{1,2}):(\d{2})(?::(\d{2}))?$/

/**
 * The `runInterval` setting in milliseconds: `1m`, `15m`, `1h`, `30d`, or the original's `d.hh:mm:ss`. The range is
 * the original's too: one minute to thirty days. Throws an error that says what is wrong.
 */
export function parseRunInterval(text: string): number {
  const ms = milliseconds(text.trim())
  if (ms === undefined) {
    throw new Error(`"${text}" is not an interval. Write 1m, 15m, 1h, 30d, or d.hh:mm:ss such as 0.00:15:00.`)
  }
  if (ms < RUN_INTERVAL_MIN_MS || ms > RUN_INTERVAL_MAX_MS) {
    throw new Error(`An interval lasts from one minute to thirty days; "${text}" does not.`)
  }
  return ms
}

/** The last boundary at or before `at`. */
export function alignDown(at: number, runIntervalMs: number): number {
  return Math.floor(at / runIntervalMs) * runIntervalMs
}

/** The first boundary later than `after`. */
export function nextBoundary(after: number, runIntervalMs: number): number {
  return alignDown(after, runIntervalMs) + runIntervalMs
}

function milliseconds(text: string): number | undefined {
  const short = SHORT.exec(text)
  if (short) return Number(short[1]) * UNITS[short[2]!]!

  const span = TIME_SPAN.exec(text)
  if (!span) return undefined
  const [days, hours, minutes, seconds] = span.slice(1).map((part) => Number(part ?? 0))
  if (hours! > 23 || minutes! > 59 || seconds! > 59) return undefined
  return days! * DAY + hours! * HOUR + minutes! * MINUTE + seconds! * 1_000
}
