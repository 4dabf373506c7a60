import { type Backoff, backoffMs } from '@hansard/backoff'
import type { ServerMessage, SignInReply } from '@hansard/wire'
import { type Connection, openConnection } from './connection.ts'
import { RefusedError, UnreachableError, UnsafeAddressError } from './errors.ts'
import { signIn } from './sign-in.ts'
import type { OpenSocket } from './socket.ts'
import type { Timing } from './timing.ts'

export type SessionSettings = {
  /** base URLs of lookup services; any will do */
  readonly lookups: readonly string[]
  readonly account: string
  readonly password: string
  readonly fetch: typeof fetch
  readonly openSocket: OpenSocket
  readonly timing: Timing
  readonly backoff: Backoff
  readonly heartbeatMs: number
  /** for so long the first connection is tried again */
  readonly firstConnectMs: number
  /** the token that this device was given when the account was signed in to on it before */
  readonly device?: string | undefined
  /** The device was given a token to keep. */
  readonly onDevice?: ((token: string) => void) | undefined
}

type SessionEvents = {
  up(connection: Connection): void
  message(message: ServerMessage): void
  /** The connection that was up is gone. */
  down(): void
  /** The next attempt is in `delayMs`. */
  waiting(about: { attempt: number; delayMs: number; cause: Error }): void
  /** There will be no further attempt: the pool does not know these credentials, or the first attempt failed. */
  over(cause: Error): void
}

type Session = {
  readonly signedIn: SignInReply | undefined
  readonly device: string | undefined
  /** The password has been changed: it is what later sign-ins take. */
  passwordChanged(password: string): void
  /** The channel service is going away: ask the lookup service for another next time. */
  moveOn(): void
  /** Ends for good; resolves when the connection has ended. No event follows. */
  close(): Promise<void>
}

const CLOSE_WITHIN_MS = 2_000
/** A session is renewed when so much of its time has passed: some earlier, some later, so that not all come at once. */
const RENEW_AT = { from: 0.7, to: 0.9 }

/** Whether the first connection is worth another attempt: the pool is there, and the next answer may be a better one. */
function mayPass(cause: Error, at: 'lookup' | 'channel'): boolean {
  if (cause instanceof RefusedError) return cause.code === 'try-again' || cause.code === 'stopping'
  return at === 'channel' || (cause instanceof UnreachableError && cause.passing)
}

/**
 * Keeps one person connected: signs in, and when the connection is lost does so again until told to stop.
 *
 * The first attempt after a loss goes back to the same channel service with the same token, which costs the pool
 * nothing; the next ones ask a lookup service, because that channel service may be gone. It is told which one could not
 * be reached, so that it names another if there is one. Lookup services are asked in turn, beginning with the one that
 * answered last.
 *
 * The very first connection is tried again as well when the channel service cannot be reached, or the pool has none
 * just now: one that was killed a moment ago may still have been named. Where no lookup service answers it fails at
 * once, because the address is probably wrong. Before a session expires it is renewed with a fresh token, on the
 * connection that is up.
 */
export function startSession(settings: SessionSettings, events: SessionEvents): Session {
  const { timing } = settings
  let signedIn: SignInReply | undefined
  let askLookup = true
  let attempt = 0
  let phase: 'first' | 'down' | 'up' | 'over' = 'first'
  let connection: Connection | undefined
  let opening: { drop(reason: string): void } | undefined
  let retry: { cancel(): void } | undefined
  let avoid: string | undefined
  let lookup = 0
  let patient = true
  const patience = timing.after(settings.firstConnectMs, () => {
    patient = false
  })
  let renewal: { cancel(): void } | undefined
  let gone = () => {}
  let { password, device } = settings

  const tryOnce = async () => {
    if (askLookup || !signedIn) {
      try {
        signedIn = await askLookups()
      } catch (error) {
        const refused = error instanceof RefusedError && error.code !== 'too-many-attempts'
        if (!refused && !(error instanceof UnsafeAddressError)) lost(error as Error, 'lookup')
        else end(error as Error)
        return
      }
    }
    if (isOver()) return
    opening = openConnection(
      { ...settings, endpoint: signedIn.endpoint, token: signedIn.token },
      { ready, message: events.message, renewed, lost: (cause) => lost(cause, 'channel') },
    )
  }

  /** Signs in at the first lookup service that answers. A refusal is an answer. */
  const askLookups = async (): Promise<SignInReply> => {
    const { lookups, account } = settings
    let first: unknown
    for (let n = 0; n < lookups.length && !isOver(); n += 1) {
      try {
        const granted = await signIn(lookups[lookup]!, { account, password, avoid, device }, settings.fetch)
        if (granted.device !== undefined) {
          device = granted.device
          settings.onDevice?.(granted.device)
        }
        return granted
      } catch (error) {
        if (!(error instanceof UnreachableError) || error instanceof UnsafeAddressError) throw error
        // What a pool says of itself tells more than that another address did not answer.
        if (first === undefined || error.answered) first = error
        lookup = (lookup + 1) % lookups.length
      }
    }
    throw first
  }

  const renewed = (expiresIn: number) => {
    const { from, to } = RENEW_AT
    renewAfter(expiresIn * (from + (to - from) * timing.random()), 0)
  }

  const renewAfter = (delayMs: number, failures: number) => {
    renewal?.cancel()
    renewal = timing.after(delayMs, () => void renew(failures))
  }

  const renew = async (failures: number) => {
    const current = connection
    if (!current || !signedIn) return
    try {
      const { token, expiresAt } = await askLookups()
      // The connection stays where it is, and so does the first attempt after its loss.
      signedIn = { ...signedIn, token, expiresAt }
      if (connection === current) current.renew(token)
    } catch {
      // Whether this account may still sign in is told when the session ends; until then there may be another answer.
      if (connection === current) renewAfter(backoffMs(failures + 1, settings.backoff, timing.random), failures + 1)
    }
  }

  const ready = (opened: Connection) => {
    connection = opened
    phase = 'up'
    attempt = 0
    askLookup = false
    avoid = undefined
    patience.cancel()
    if (opened.signedIn.expiresIn !== undefined) renewed(opened.signedIn.expiresIn)
    events.up(opened)
  }

  const lost = (cause: Error, at: 'lookup' | 'channel') => {
    opening = undefined
    connection = undefined
    renewal?.cancel()
    if (isOver()) return gone()
    // A token is still good for somebody whose policy has changed: asking for another does not help.
    if (cause instanceof RefusedError && cause.code === 'not-enabled') return end(cause)
    if (phase === 'first' && !(patient && mayPass(cause, at))) return end(cause)
    if (at === 'channel' && phase !== 'up') avoid = signedIn?.endpoint
    if (phase === 'up') {
      phase = 'down'
      events.down()
    } else {
      attempt += 1
      askLookup = true
    }
    const delayMs = backoffMs(attempt, settings.backoff, timing.random)
    retry = timing.after(delayMs, () => void tryOnce())
    if (phase !== 'first') events.waiting({ attempt, delayMs, cause })
  }

  const end = (cause: Error) => {
    if (isOver()) return
    phase = 'over'
    patience.cancel()
    events.over(cause)
  }

  const isOver = () => phase === 'over'

  const close = () =>
    new Promise<void>((resolve) => {
      phase = 'over'
      retry?.cancel()
      patience.cancel()
      const current = connection
      if (!current) {
        opening?.drop('closed')
        return resolve()
      }
      const giveUp = timing.after(CLOSE_WITHIN_MS, () => current.drop('closed'))
      gone = () => {
        giveUp.cancel()
        resolve()
      }
      current.close()
    })

  void tryOnce()
  return {
    get signedIn() {
      return signedIn
    },
    get device() {
      return device
    },
    passwordChanged: (changed) => {
      password = changed
      // The token was issued for the password of before.
      askLookup = true
    },
    moveOn: () => {
      askLookup = true
    },
    close,
  }
}
