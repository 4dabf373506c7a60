import { z } from 'zod'

/**
 * The body of every answer that is not a success.
 *
 * 400 `malformed` · 401 `not-signed-in`, `wrong-credentials` · 403 `not-an-operator` · 404 `not-found` ·
 * 409 `conflict` · 429 `too-many-attempts` · 503 `try-again`
 */
export const PROBLEM_CODES = [
  'malformed',
  'not-signed-in',
  'wrong-credentials',
  'not-an-operator',
  'not-found',
  'conflict',
  'too-many-attempts',
  'try-again',
  'failed',
] as const
export type ProblemCode = (typeof PROBLEM_CODES)[number]

export const Problem = z.object({
  error: z.enum(PROBLEM_CODES),
  /** what happened, to what */
  message: z.string(),
  /** what to do about it */
  hint: z.string().optional(),
})
export type Problem = z.infer<typeof Problem>
