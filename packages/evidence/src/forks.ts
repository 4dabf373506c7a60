import { z } from 'zod'
import { sourceName } from './source-members.ts'

/**
 * A source that has given numbers out twice, noticed during this interval. The texts that differ from the staged ones
 * are in quarantine whole and in no document.
 */
export const Fork = z.strictObject({
  ...sourceName,
  /** the first number that has two texts, as far as is known */
  seq: z.int().min(1),
  /** hash of the other text under it; null when only the heads of the chains were seen to differ */
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
  const texts = events === 0 ? 'the heads of its chains differ' : `texts in quarantine: ${events}`
  return `${file}: ${name} gave numbers out twice, from ${seq} on; ${texts}`
}
