import type { RefusedSignIn } from '@hansard/compliance-event'
import type { SignInOutcome } from '@hansard/rooms'
import type { Actor, ChangeEvent } from '../record/number-facts.ts'
import type { Entry } from './sign-in-record.ts'

type Pool = { readonly domain: string; readonly poolRoomId: number }

const REFUSALS = {
  'wrong-credentials': true,
  'too-many-attempts': true,
  'token-refused': true,
  'not-enabled': true,
  'no-channel-service': true,
  'more-failures': true,
} as const satisfies Partial<Record<SignInOutcome, true>> & Record<RefusedSignIn, true>

export function isRefusal(outcome: SignInOutcome): outcome is keyof typeof REFUSALS {
  return outcome in REFUSALS
}

/**
 * The compliance events of what the record of sign-ins holds. What is on record as a `change` (a password, the end of
 * all sessions of an account) has none here.
 *
 * A refused sign-in is the pool's event, not that of the account's owner: nobody proved who they are.
 */
export function signInEvents(
  { event, row, count }: Entry,
  { pool, ended }: { pool: Pool; ended: ReadonlySet<string> },
): ChangeEvent[] {
  const { outcome, account, principal = poolItself(pool.domain), session, assignedTo } = event
  const remote = row.remote === '' ? {} : { remote: row.remote }
  const made = (detail: ChangeEvent['detail']): ChangeEvent => ({ roomId: pool.poolRoomId, principal, detail })
  if (isRefusal(outcome))
    return [made({ kind: 'sign-in-refused', account: row.account, ...remote, reason: outcome, count })]
  if (!session) return []
  const { id: tokenSession, expiresAt } = session
  if (outcome === 'signed-in') {
    return [
      made({ kind: 'sign-in', account, ...remote, tokenSession, expiresAt }),
      ...(assignedTo === undefined ? [] : [made({ kind: 'assignment', account, tokenSession, service: assignedTo })]),
    ]
  }
  if (outcome === 'signed-out' && ended.has(tokenSession))
    return [made({ kind: 'sign-out', account, ...remote, tokenSession })]
  return []
}

/** The pool as the one who did something. */
export function poolItself(domain: string): Actor {
  return { id: 0, uri: `sip:hansard@${domain}`, name: 'Hansard', email: undefined, internal: true }
}
