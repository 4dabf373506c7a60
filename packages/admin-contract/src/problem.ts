import type { ACCESS_REFUSALS } from '@hansard/rooms'
import { z } from 'zod'

/** Refusals of the pool's rules and their HTTP status. The codes are those of the client protocol. */
const REFUSED = {
  'no-such-room': 404,
  'no-such-category': 404,
  'no-such-principal': 404,
  'no-such-chat': 404,
  'no-such-group': 404,
  'no-such-add-in': 404,
  'no-such-policy': 404,
  'no-such-endpoint': 404,
  'duplicate-name': 409,
  'ambiguous-name': 409,
  'category-not-empty': 409,
  conflict: 409,
  'room-disabled': 403,
  'not-a-member': 403,
  'not-a-presenter': 403,
  'not-a-manager': 403,
  'not-a-creator': 403,
  'not-an-administrator': 403,
  'history-off': 403,
  'file-upload-off': 403,
  invalid: 422,
  'not-in-scope': 422,
  'presenter-not-a-member': 422,
  'limit-exceeded': 422,
  'too-long': 422,
} as const satisfies Record<(typeof ACCESS_REFUSALS)[number], number> & Record<string, number>

/** Refusals of the API itself and their HTTP status. */
const OTHERWISE = {
  malformed: 400,
  'not-signed-in': 401,
  'wrong-credentials': 401,
  /** the account holds no role that may call the route */
  'not-allowed': 403,
  'not-found': 404,
  'too-large': 413,
  'too-many-attempts': 429,
  failed: 500,
  'try-again': 503,
} as const

/** The HTTP status of every code. */
export const PROBLEM_STATUS = { ...OTHERWISE, ...REFUSED }
export type ProblemCode = keyof typeof PROBLEM_STATUS
const PROBLEM_CODES = Object.keys(PROBLEM_STATUS) as [ProblemCode, ...ProblemCode[]]

/** The body of every response that is not a success. */
export const Problem = z.object({
  error: z.enum(PROBLEM_CODES),
  /** what happened, and to what */
  message: z.string(),
  /** what to do about it */
  hint: z.string().optional(),
})
export type Problem = z.infer<typeof Problem>
