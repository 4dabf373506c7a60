/** The first and the greatest ceiling, in milliseconds. */
export type Backoff = { readonly delayMs: number; readonly delayMaxMs: number }

/**
 * The wait before attempt `attempt` (0, 1, 2 …), in milliseconds: random between zero and a ceiling that doubles. The
 * whole range is used (full jitter), because thousands of clients lose the same service at the same moment.
 */
export function backoffMs(
  attempt: number,
  { delayMs, delayMaxMs }: Backoff,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(delayMaxMs, delayMs * 2 ** Math.min(attempt, 30))
  return Math.round(ceiling * random())
}
