import { systemClock } from '@hansard/clock'
import type { Talker } from './talkers.ts'

/** Every talker keeps `window` posts in flight for `seconds` (after a warm-up); returns acknowledgements per second. */
export async function closedLoop(
  talkers: readonly Talker[],
  { window, seconds, warmUp = 2 }: { window: number; seconds: number; warmUp?: number },
): Promise<{ acceptedPerSecond: number; deliveredPerSecond: number; accepted: number }> {
  let running = true
  let acknowledged = 0
  let underWay = 0
  let ended = () => {}
  let next = 1
  for (const talker of talkers) {
    talker.onPosted = () => {
      acknowledged += 1
      if (running) talker.post(next++)
      else if (--underWay === 0) ended()
    }
    for (let n = 0; n < window; n += 1) {
      underWay += 1
      talker.post(next++)
    }
  }
  const received = () => talkers.reduce((sum, talker) => sum + talker.received, 0)
  await systemClock.sleep(1_000 * warmUp)
  const [from, fromReceived, started] = [acknowledged, received(), performance.now()]
  await systemClock.sleep(1_000 * seconds)
  const elapsed = (performance.now() - started) / 1_000
  const acceptedPerSecond = (acknowledged - from) / elapsed
  const deliveredPerSecond = (received() - fromReceived) / elapsed
  const drained = new Promise<void>((resolve) => {
    ended = resolve
  })
  running = false
  await drained
  return { acceptedPerSecond, deliveredPerSecond, accepted: acknowledged }
}

/** Posts at a fixed rate, independent of replies; latency counts from when a post was due (no coordinated omission). */
export async function openLoop(
  talkers: readonly Talker[],
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<{ p50: number; p99: number; sent: number }> {
  const latencies: number[] = []
  const due = new Map<number, number>()
  let waiting = 0
  let ended = () => {}
  let done = false
  for (const talker of talkers) {
    talker.onPosted = (id) => {
      latencies.push(performance.now() - due.get(id)!)
      due.delete(id)
      if (--waiting === 0 && done) ended()
    }
  }
  const started = performance.now()
  const total = Math.floor(perSecond * seconds)
  let sent = 0
  let next = 10_000_000
  while (sent < total) {
    const should = Math.min(total, Math.floor(((performance.now() - started) / 1_000) * perSecond))
    for (; sent < should; sent += 1) {
      const id = next++
      due.set(id, started + (sent / perSecond) * 1_000)
      waiting += 1
      talkers[sent % talkers.length]!.post(id)
    }
    // A spinning driver would take CPU time from the server it measures.
    await systemClock.sleep(1)
  }
  done = true
  if (waiting > 0) {
    await new Promise<void>((resolve) => {
      ended = resolve
    })
  }
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]!
  return { p50: at(0.5), p99: at(0.99), sent }
}
