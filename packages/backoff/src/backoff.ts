/** The first ceiling and the greatest one, in milliseconds. */
export type Backoff = { readonly delayMs: number; readonly delayMaxMs: number }

/**
 * How long to wait before attempt `attempt` (0, 1, 2 …), in milliseconds: any time from nothing to a ceiling that doubles.
 * The whole range is used (full jitter), because thousands of clients lose the same service at the same moment.
 */
export function backoffMs(
  attempt: number,
  { delayMs, delayMaxMs }: Backoff,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(delayMaxMs, delayMs * 2 ** Math.min(attempt, 30))
  return Math.round(ceiling * random())
}
