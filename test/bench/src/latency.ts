import { systemClock } from '@hansard/clock'
import { type Spread, spreadOf } from './spread.ts'
import type { Talker } from './talkers.ts'

type Deliveries = { readonly spread: Spread; readonly perSecond: number; readonly missing: number }

/**
 * A post contains the time at which it was due, in microseconds of this process; each copy is recognised by it in the
 * raw bytes.
 */
const MARK = '@@'
const DIGITS = 15
const LENGTH = 200
const WARM_UP_S = 2
/** A post under a name its author has used before would be a repeat. */
let nextId = 20_000_000

/**
 * Posts at a fixed rate, from all users in turn, independent of replies, and times every copy at every member: from
 * when the post was due until the copy has been read (no coordinated omission).
 */
export async function deliveriesAtRate(
  talkers: readonly Talker[],
  { postsPerSecond, seconds, members }: { postsPerSecond: number; seconds: number; members: number },
): Promise<Deliveries> {
  const latencies: number[] = []
  let received = 0
  let measuring = false
  for (const talker of talkers) {
    talker.onChat = (payload) => {
      const at = payload.indexOf(MARK)
      if (at < 0) return
      received += 1
      const due = Number(payload.toString('latin1', at + MARK.length, at + MARK.length + DIGITS))
      if (measuring) latencies.push(performance.now() - due / 1_000)
    }
  }
  const started = performance.now()
  let sent = 0
  const total = Math.floor(postsPerSecond * (seconds + WARM_UP_S))
  while (sent < total) {
    const elapsed = (performance.now() - started) / 1_000
    measuring = elapsed >= WARM_UP_S
    // The first is due at once.
    for (const should = Math.min(total, Math.floor(elapsed * postsPerSecond) + 1); sent < should; sent += 1) {
      const due = Math.floor((started + (sent / postsPerSecond) * 1_000) * 1_000)
      const text = `${MARK}${String(due).padStart(DIGITS, '0')}`.padEnd(LENGTH, 'x')
      // A step coprime with their number: in turn, and one room after another.
      talkers[(sent * 7) % talkers.length]!.say(nextId++, text)
    }
    // A spinning driver would take CPU time from the server it measures.
    await systemClock.sleep(1)
  }
  const measuredFor = (performance.now() - started) / 1_000 - WARM_UP_S
  for (let waited = 0; received < sent * members && waited < 100; waited += 1) await systemClock.sleep(100)
  for (const talker of talkers) talker.onChat = () => {}
  return { spread: spreadOf(latencies), perSecond: latencies.length / measuredFor, missing: sent * members - received }
}
