import { type Backoff, backoffMs } from '@hansard/backoff'
import type { PoolDirectory, ServerMessage, SignInReply } from '@hansard/wire'
import { type Connection, openConnection } from './connection.ts'
import { RefusedError } from './errors.ts'
import { signIn } from './sign-in.ts'
import type { OpenSocket } from './socket.ts'
import type { Timing } from './timing.ts'

export type SessionSettings = {
  readonly directory: PoolDirectory
  readonly account: string
  readonly password: string
  readonly fetch: typeof fetch
  readonly openSocket: OpenSocket
  readonly timing: Timing
  readonly backoff: Backoff
  readonly heartbeatMs: number
}

export type SessionEvents = {
  up(connection: Connection): void
  message(message: ServerMessage): void
  /** The connection that was up is gone. */
  down(): void
  /** The next attempt is in `delayMs`. */
  waiting(about: { attempt: number; delayMs: number; cause: Error }): void
  /** There will be no further attempt: the pool does not know these credentials, or the first attempt failed. */
  over(cause: Error): void
}

export type Session = {
  readonly signedIn: SignInReply | undefined
  /** The channel service is going away: ask the lookup service for another next time. */
  moveOn(): void
  /** Ends for good; resolves when the connection has ended. No event follows. */
  close(): Promise<void>
}

const CLOSE_WITHIN_MS = 2_000

/**
 * Keeps one person connected: signs in, and when the connection is lost does so again until told to stop.
 *
 * The first attempt after a loss goes back to the same channel service with the same token, which costs the
 * pool nothing; the next ones ask the lookup service, because that service may be gone.
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
  let gone = () => {}

  const tryOnce = async () => {
    if (askLookup || !signedIn) {
      try {
        signedIn = await signIn(settings.directory.lookup, settings, settings.fetch)
      } catch (error) {
        const passing = !(error instanceof RefusedError) || error.code === 'too-many-attempts'
        if (passing) lost(error as Error)
        else end(error as Error)
        return
      }
    }
    if (isOver()) return
    opening = openConnection(
      { ...settings, endpoint: signedIn.endpoint, token: signedIn.token },
      { ready, message: events.message, lost },
    )
  }

  const ready = (opened: Connection) => {
    connection = opened
    phase = 'up'
    attempt = 0
    askLookup = false
    events.up(opened)
  }

  const lost = (cause: Error) => {
    opening = undefined
    connection = undefined
    if (isOver()) return gone()
    // A token is still good for somebody whose policy has changed: asking for another does not help.
    if (phase === 'first' || (cause instanceof RefusedError && cause.code === 'not-enabled')) return end(cause)
    if (phase === 'up') {
      phase = 'down'
      events.down()
    } else {
      attempt += 1
      askLookup = true
    }
    const delayMs = backoffMs(attempt, settings.backoff, timing.random)
    retry = timing.after(delayMs, () => void tryOnce())
    events.waiting({ attempt, delayMs, cause })
  }

  const end = (cause: Error) => {
    if (isOver()) return
    phase = 'over'
    events.over(cause)
  }

  const isOver = () => phase === 'over'

  const close = () =>
    new Promise<void>((resolve) => {
      phase = 'over'
      retry?.cancel()
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
    moveOn: () => {
      askLookup = true
    },
    close,
  }
}
