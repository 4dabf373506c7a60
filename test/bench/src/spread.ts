export type Spread = { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number }

/** in milliseconds */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

export function spreadOf(times: readonly number[]): Spread {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted.at(-1)! }
}
