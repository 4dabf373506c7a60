import type { ClientMessage, ServerMessage, ServerMessageOf } from '@hansard/wire'
import { decodeFrame } from './decode.ts'
import { RefusedError, UnreachableError } from './errors.ts'
import type { OpenSocket } from './socket.ts'
import type { Timing } from './timing.ts'

/** One signed-in WebSocket, as long as it lasts. */
export type Connection = {
  readonly signedIn: ServerMessageOf<'signed-in'>
  send(message: ClientMessage): void
  /** Proves again who this is; `renewed` follows. */
  renew(token: string): void
  /** `lost` follows, soon. */
  close(): void
  /** `lost` follows, at once. */
  drop(reason: string): void
}

/** Exactly one `lost` ends every connection, also one that never became `ready`. */
type ConnectionEvents = {
  ready(connection: Connection): void
  message(message: ServerMessage): void
  /** The session lasts so many milliseconds more. */
  renewed(expiresIn: number): void
  lost(error: Error): void
}

const OPEN_WITHIN_MS = 15_000

/** Of the sign-in, renewals and heartbeats; requests are numbered from 1. */
const OWN_ID = 0

/**
 * Connects to a channel service and signs in with a token.
 *
 * A connection that has died without a word is found out by asking: when nothing was heard for
 * `heartbeatMs` a `ping` is sent, and when nothing is heard for as long again the connection is dropped.
 */
export function openConnection(
  options: {
    readonly endpoint: string
    readonly token: string
    readonly openSocket: OpenSocket
    readonly timing: Timing
    readonly heartbeatMs: number
  },
  events: ConnectionEvents,
): { drop(reason: string): void } {
  const { endpoint, timing, heartbeatMs } = options
  let phase: 'opening' | 'ready' | 'over' = 'opening'
  let heard = true
  let timer = timing.after(OPEN_WITHIN_MS, () => drop(`no sign-in within ${OPEN_WITHIN_MS / 1_000} s`))

  const socket = options.openSocket(endpoint, {
    open: () => send({ t: 'sign-in', id: OWN_ID, token: options.token }),
    message(text) {
      if (phase === 'over') return
      heard = true
      const message = decodeFrame(text)
      if (!message) return
      if (phase === 'ready') {
        if (message.t === 'renewed') events.renewed(message.expiresIn)
        else if (message.t !== 'pong') events.message(message)
      } else if (message.t === 'signed-in') {
        phase = 'ready'
        timer.cancel()
        listen()
        events.ready({ signedIn: message, send, renew, close: () => socket.close(), drop })
      } else if (message.t === 'refused') {
        lose(new RefusedError(message.code, message.message))
        socket.close()
      }
    },
    closed: (reason) => lose(new UnreachableError(endpoint, reason)),
  })

  const send = (message: ClientMessage) => {
    if (phase !== 'over') socket.send(JSON.stringify(message))
  }

  const renew = (token: string) => send({ t: 'renew', id: OWN_ID, token })

  const listen = () => {
    timer = timing.after(heartbeatMs, () => {
      if (heard) {
        heard = false
        listen()
        return
      }
      send({ t: 'ping', id: OWN_ID })
      timer = timing.after(heartbeatMs, () => (heard ? listen() : drop(`silent for ${(2 * heartbeatMs) / 1_000} s`)))
    })
  }

  const lose = (error: Error) => {
    if (phase === 'over') return
    phase = 'over'
    timer.cancel()
    events.lost(error)
  }

  const drop = (reason: string) => {
    lose(new UnreachableError(endpoint, reason))
    socket.drop()
  }

  return { drop }
}
