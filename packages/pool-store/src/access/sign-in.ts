import type { Clock } from '@hansard/clock'
import { addressKey } from '@hansard/config'
import { isKeyShaped, verifySecret } from '@hansard/credentials'
import { isKeepable } from '@hansard/rooms'
import type { Database } from '@hansard/sql'
import { addKnownDevice, findKnownDevice } from './known-devices.ts'
import { findPrincipal, type Principal } from './principals.ts'
import type { SignInRecord } from './sign-in-record.ts'
import { createThrottle } from './throttle.ts'
import type { TokenKeys } from './token-keys.ts'

/** Signs people in: with account and password for a token, then with the token anywhere in the pool. */
export type SignIn = {
  /** Checks a password or key, throttled and on record. */
  withPassword(credentials: Credentials): Promise<PasswordResult>
  withToken(token: string): Promise<TokenHolder | undefined>
  /** Begins a session. Resolves with its token once the sign-in is on record: nobody is in who is not. */
  issueToken(principal: Principal, from: SignedInFrom): Promise<{ token: string; expiresAt: number }>
  /** The same for a session that needs no token: it is one connection. */
  beginSession(principal: Principal, from: SignedInFrom): Promise<{ session: string; expiresAt: number }>
  /** Ends one session: no token of it is accepted any more. Resolves once that is on record. */
  endSession(holder: TokenHolder & { readonly remote: string }): Promise<void>
  readonly record: SignInRecord
}
type Credentials = {
  readonly account: string
  readonly password: string
  readonly remote: string
  /** the token of a device the account was used on before */
  readonly device?: string | undefined
  /** `prove`: somebody who is signed in proves again who they are, which is no sign-in of its own */
  readonly purpose?: 'sign-in' | 'prove'
}
/** Where somebody signed in, and what they were given. */
type SignedInFrom = {
  readonly remote: string
  /** hash of a known device */
  readonly device?: string | undefined
  /** the channel service that the client is sent to */
  readonly assignedTo?: string | undefined
  readonly detail?: string | undefined
}
type PasswordResult =
  | {
      /** The password is right. A session begins with `issueToken` or `beginSession`. */
      readonly outcome: 'signed-in'
      readonly principal: Principal
      /** hash of the known device that the password came from */
      readonly device: string | undefined
      /** Makes the device known. Resolves with the token that it keeps, or undefined when there is none to keep. */
      rememberDevice(): Promise<string | undefined>
    }
  | { readonly outcome: 'refused'; readonly reason: 'wrong-credentials' }
  | { readonly outcome: 'refused'; readonly reason: 'too-many-attempts'; readonly waitSeconds: number }

/** Whose a genuine token is, and for how long. */
type TokenHolder = {
  readonly principal: Principal
  /** id of the session the token was issued for */
  readonly session: string
  readonly expiresAt: number
}

const TOKEN_MS = 12 * 60 * 60 * 1_000

/** What a refused caller is told, by every service in the same words. */
export function signInRefusal(result: Extract<PasswordResult, { outcome: 'refused' }>): string {
  if (result.reason === 'wrong-credentials') return 'Account or password is wrong.'
  const { waitSeconds } = result
  return `Too many failed attempts. Try again in ${waitSeconds === 1 ? 'a second' : `${waitSeconds} seconds`}.`
}

export function createSignIn({
  db,
  clock,
  tokenKeys,
  record,
}: {
  db: Database
  clock: Clock
  tokenKeys: TokenKeys
  record: SignInRecord
}): SignIn {
  const throttle = createThrottle({ db, clock })
  const newSession = () => ({ session: globalThis.crypto.randomUUID(), expiresAt: clock.now() + TOKEN_MS })
  const putSignIn = (
    principal: Principal,
    { session, expiresAt }: { session: string; expiresAt: number },
    from: SignedInFrom,
  ) =>
    record.put({
      outcome: 'signed-in',
      account: principal.account,
      principal,
      session: { id: session, expiresAt },
      ...from,
    })

  return {
    record,
    async issueToken(principal, from) {
      const { session, expiresAt } = newSession()
      const claims = { id: principal.id, version: principal.credentialVersion, session, expiresAt }
      const token = await tokenKeys.sign(claims)
      await putSignIn(principal, { session, expiresAt }, from)
      return { token, expiresAt }
    },
    async beginSession(principal, from) {
      const session = newSession()
      await putSignIn(principal, session, from)
      return session
    },
    async withPassword({ account, password, remote, device: shown, purpose = 'sign-in' }) {
      const found = isKeepable(account) ? await findPrincipal(db, { account }) : undefined
      const device = await findKnownDevice(db, { token: shown, principalId: found?.id, now: clock.now() })
      const about = { account, principalId: found?.id, remote, device }
      // Nobody guesses 256 random bits: keys are not throttled, so a guesser cannot keep their owner out.
      const guessable = !isKeyShaped(password)
      const attempt = { account, remote, device }
      let undo = async () => {}
      if (guessable) {
        const begun = await throttle.begin(attempt)
        if (begun.outcome === 'wait') {
          record.note({ outcome: 'too-many-attempts', ...about })
          return { outcome: 'refused', reason: 'too-many-attempts', waitSeconds: Math.ceil(begun.waitMs / 1_000) }
        }
        undo = begun.undo
      }
      const turn = device === undefined ? 'after-others' : 'first'
      let genuine: boolean
      try {
        genuine = await verifySecret(password, found?.secret, { turn, from: addressKey(remote) })
      } catch (error) {
        // Nobody looked at this password: a full queue must not lock an account.
        await undo()
        throw error
      }
      if (!genuine || !found || found.disabled) {
        record.note({ outcome: 'wrong-credentials', ...about })
        return { outcome: 'refused', reason: 'wrong-credentials' }
      }
      const { secret: _, ...principal } = found
      if (guessable) await throttle.succeeded(attempt)
      if (purpose === 'prove') await record.put({ outcome: 'proved', ...about })
      const isNew = purpose === 'sign-in' && guessable && device === undefined
      const rememberDevice = async () =>
        isNew ? addKnownDevice(db, { principalId: principal.id, now: clock.now() }) : undefined
      return { outcome: 'signed-in', principal, device, rememberDevice }
    },
    async withToken(token) {
      const claims = await tokenKeys.verify(token)
      if (!claims) return undefined
      const { id, version, session, expiresAt } = claims
      if (typeof expiresAt !== 'number' || expiresAt <= clock.now() || typeof session !== 'string') return undefined
      const principal = await findPrincipal(db, { id: Number(id) })
      if (!principal || principal.disabled || principal.credentialVersion !== version) return undefined
      const ended: unknown = await db.knex('signed_out').where({ session }).first('session')
      return ended ? undefined : { principal, session, expiresAt }
    },
    async endSession({ principal, session, expiresAt, remote }) {
      const { account } = principal
      await record.put({ outcome: 'signed-out', account, principal, session: { id: session, expiresAt }, remote })
    },
  }
}

/** Sessions that were signed out since `since`. */
export async function sessionsEndedSince(db: Database, since: number): Promise<ReadonlySet<string>> {
  const rows: { session: string }[] = await db.knex('signed_out').where('at', '>=', since).select('session')
  return new Set(rows.map(({ session }) => session))
}
