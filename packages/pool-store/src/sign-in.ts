import type { Clock } from '@hansard/clock'
import { type AttemptLimiter, createAttemptLimiter, signToken, verifySecret, verifyToken } from '@hansard/credentials'
import type { Database } from '@hansard/sql'
import { findPrincipal, type Principal } from './principals.ts'

/** Signs people in: with account and password for a token, then with the token anywhere in the pool. */
export type SignIn = {
  /** `remote` is the caller's address: guesses are counted by it and by account. */
  withPassword(credentials: { account: string; password: string; remote: string }): Promise<SignInResult>
  withToken(token: string): Promise<Principal | undefined>
  issueToken(principal: Principal): { token: string; expiresAt: number }
}
export type SignInResult =
  | { readonly outcome: 'signed-in'; readonly principal: Principal; readonly token: string; readonly expiresAt: number }
  | { readonly outcome: 'refused'; readonly reason: 'wrong-credentials' | 'too-many-attempts' }

const TOKEN_MS = 12 * 60 * 60 * 1_000
const WINDOW_MS = 5 * 60 * 1_000

export function createSignIn({ db, clock, signingKey }: { db: Database; clock: Clock; signingKey: string }): SignIn {
  // One guesser, one account: few tries. One account from everywhere, one address at everyone: more, but not many.
  const limits: { key: (c: { account: string; remote: string }) => string; limiter: AttemptLimiter }[] = [
    {
      key: (c) => `${c.remote} ${c.account}`,
      limiter: createAttemptLimiter({ clock, failuresMax: 10, windowMs: WINDOW_MS }),
    },
    { key: (c) => c.account, limiter: createAttemptLimiter({ clock, failuresMax: 100, windowMs: WINDOW_MS }) },
    { key: (c) => c.remote, limiter: createAttemptLimiter({ clock, failuresMax: 200, windowMs: WINDOW_MS }) },
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
      const genuine = await verifySecret(credentials.password, principal?.secret)
      if (!principal || !genuine || principal.disabled) {
        for (const { key, limiter } of limits) limiter.failed(key(credentials))
        return { outcome: 'refused', reason: 'wrong-credentials' }
      }
      limits[0]!.limiter.succeeded(limits[0]!.key(credentials))
      return { outcome: 'signed-in', principal, ...issueToken(principal) }
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
