import type { Clock } from '@hansard/clock'
import { createAttemptLimiter, signToken, verifySecret, verifyToken } from '@hansard/credentials'
import type { Database } from '@hansard/sql'
import { findPrincipal, type Principal } from './principals.ts'

/** Signs people in: with account and password for a token, then with the token anywhere in the pool. */
export type SignIn = {
  /** `remote` is the caller's address: guesses are counted by it and by account. */
  withPassword(credentials: { account: string; password: string; remote: string }): Promise<SignInResult>
  withToken(token: string): Promise<Principal | undefined>
  issueToken(principal: Principal): { token: string; expiresAt: number }
}
type SignInResult =
  | { readonly outcome: 'signed-in'; readonly principal: Principal; readonly token: string; readonly expiresAt: number }
  | { readonly outcome: 'refused'; readonly reason: 'wrong-credentials' | 'too-many-attempts' }

const TOKEN_MS = 12 * 60 * 60 * 1_000
const WINDOW_MS = 5 * 60 * 1_000

export function createSignIn({ db, clock, signingKey }: { db: Database; clock: Clock; signingKey: string }): SignIn {
  // One guesser, one account: few tries. One account from everywhere, one address at everyone: more, but not many.
  const limit = (failuresMax: number) => createAttemptLimiter({ clock, failuresMax, windowMs: WINDOW_MS })
  type Credentials = { account: string; remote: string }
  const limits = [
    { key: (c: Credentials) => `${c.remote} ${c.account}`, limiter: limit(10), sideBySide: true },
    { key: (c: Credentials) => c.account, limiter: limit(100), sideBySide: true },
    // Not counted ahead: in the morning everybody behind one proxy signs in at once.
    { key: (c: Credentials) => c.remote, limiter: limit(200), sideBySide: false },
  ]

  const issueToken = (principal: Principal) => {
    const expiresAt = clock.now() + TOKEN_MS
    return {
      token: signToken({ id: principal.id, version: principal.credentialVersion, expiresAt }, signingKey),
      expiresAt,
    }
  }

  return {
    issueToken,
    async withPassword(credentials) {
      if (limits.some(({ key, limiter }) => limiter.waitMs(key(credentials)) > 0)) {
        return { outcome: 'refused', reason: 'too-many-attempts' }
      }
      const principal = await findPrincipal(db, { account: credentials.account })
      // Counted before the slow look and taken back if it was right: guesses made side by side are counted too.
      const counted = limits.filter(({ sideBySide }) => sideBySide)
      for (const { key, limiter } of counted) limiter.failed(key(credentials))
      let genuine = false
      try {
        genuine = (await verifySecret(credentials.password, principal?.secret)) && principal?.disabled === false
      } finally {
        if (genuine) for (const { key, limiter } of counted) limiter.takenBack(key(credentials))
      }
      if (principal && genuine) return { outcome: 'signed-in', principal, ...issueToken(principal) }
      for (const { key, limiter, sideBySide } of limits) if (!sideBySide) limiter.failed(key(credentials))
      return { outcome: 'refused', reason: 'wrong-credentials' }
    },
    async withToken(token) {
      const claims = verifyToken(token, signingKey)
      if (!claims || typeof claims['expiresAt'] !== 'number' || claims['expiresAt'] <= clock.now()) return undefined
      const principal = await findPrincipal(db, { id: Number(claims['id']) })
      return principal && !principal.disabled && principal.credentialVersion === claims['version']
        ? principal
        : undefined
    },
  }
}
