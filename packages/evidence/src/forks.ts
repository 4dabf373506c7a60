import { z } from 'zod'
import { sourceName } from './source-members.ts'

/**
 * A source of which the record and the pool database differ, noticed during this interval: the pool database was set
 * back. Texts that differ from the staged ones are in quarantine whole and in no document.
 */
export const Fork = z.strictObject({
  ...sourceName,
  /** the first number that has two texts, as far as is known */
  seq: z.int().min(1),
  /** hash of the other text under it; null when none has arrived */
  leaf: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in lowercase hexadecimal')
    .nullable(),
  /** texts of the fork that were quarantined during this interval */
  events: z.int().nonnegative(),
})
export type Fork = z.infer<typeof Fork>

export function orderFork({ source, epoch, incarnation = '', seq, leaf, events }: Fork): Fork {
  return { source, epoch, incarnation, seq, leaf, events }
}

/** What a verifier says of a fork. docs/verify.py says the same. */
export function forkMessage({ seq, events }: Fork, file: string, name: string): string {
  const texts = events === 0 ? 'no other text has arrived' : `texts in quarantine: ${events}`
  return `${file}: the record and the pool database differed in ${name}, from number ${seq} on; ${texts}`
}
