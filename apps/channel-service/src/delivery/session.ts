import type { Socket } from 'node:net'
import type { Principal } from '@hansard/pool-store'
import type { ServerMessage, WireRefusal } from '@hansard/wire'
import type { WebSocket } from 'ws'
import type { Member } from '../rooms/membership.ts'
import { type Outgoing, textFrame } from './frames.ts'

/**
 * One client's connection: who it is, which rooms it is in, and what it may still send.
 *
 * What waits to be read by the client is bounded: one that reads too slowly is cut off, and when it comes back it asks
 * for what it missed. Buffering for it would let one sleeping laptop eat the memory of everybody's server.
 */
export class Session {
  readonly id: string
  readonly remote: string
  readonly socket: Socket
  readonly ws: WebSocket
  principal: Principal | undefined
  /** the session that its sign-in began, which several connections may share */
  tokenSession: string | undefined
  /** when it ends unless it is renewed, in milliseconds since 1970 */
  expiresAt = Number.POSITIVE_INFINITY
  /** what its requests under way ask for, by their ids */
  readonly asked = new Map<number, string>()
  /** by room URI */
  readonly memberships = new Map<string, Member>()
  /** ids of rooms whose join is being recorded */
  readonly joining = new Set<number>()
  /** ids of rooms this session has left while the departure is not on record yet */
  readonly parting = new Set<number>()
  /** ids of rooms whose join was answered with try-again: it may be on record all the same */
  readonly uncertain = new Set<number>()
  signingIn = false
  /** somebody's account or roles were changed while this session was signing in */
  doubtful = false
  historyUnderWay = false
  /** a list of rooms is being read */
  listing = false
  postsInFlight = 0
  malformed = 0
  closed = false
  /** it is changing its password, or signing out */
  changingSelf = false
  /** told to go */
  closing = false
  #allowance: number
  #allowanceAt: number
  readonly #onRefused: ((re: number | undefined, code: WireRefusal) => void) | undefined
  readonly #outgoing: Outgoing
  readonly #bufferMax: number
  readonly #requestsPerSecond: number

  constructor(options: {
    id: string
    remote: string
    socket: Socket
    ws: WebSocket
    outgoing: Outgoing
    bufferMax: number
    requestsPerSecond: number
    now: number
    /** called for every refusal */
    onRefused?: (re: number | undefined, code: WireRefusal) => void
  }) {
    this.id = options.id
    this.remote = options.remote
    this.socket = options.socket
    this.ws = options.ws
    this.#outgoing = options.outgoing
    this.#bufferMax = options.bufferMax
    this.#requestsPerSecond = options.requestsPerSecond
    this.#onRefused = options.onRefused
    this.#allowance = options.requestsPerSecond * 2
    this.#allowanceAt = options.now
  }

  /** Writes one copy of a room's frame. False when the client was cut off because it does not read. */
  deliver(frame: Buffer): boolean {
    if (!this.#mayWrite()) return false
    this.#outgoing.deliver(this.socket, frame)
    return true
  }

  /** Writes one copy of what nobody waits for. */
  mention(frame: Buffer): void {
    if (this.#mayWrite()) this.#outgoing.mention(this.socket, frame)
  }

  /** Answers the client. */
  send(message: ServerMessage): void {
    if (this.#mayWrite()) this.#outgoing.answer(this.socket, textFrame(JSON.stringify(message)))
  }

  #mayWrite(): boolean {
    if (this.closed) return false
    if (this.socket.writableLength <= this.#bufferMax) return true
    this.cutOff()
    return false
  }

  refuse(re: number | undefined, code: WireRefusal, message: string): void {
    this.#onRefused?.(re, code)
    this.send({ t: 'refused', ...(re === undefined ? {} : { re }), code, message })
  }

  /** Whether one more request is within the session's rate: a token bucket that holds two seconds' worth. */
  mayRequest(now: number): boolean {
    const full = this.#requestsPerSecond * 2
    this.#allowance = Math.min(full, this.#allowance + ((now - this.#allowanceAt) / 1_000) * this.#requestsPerSecond)
    this.#allowanceAt = now
    if (this.#allowance < 1) return false
    this.#allowance -= 1
    return true
  }

  /** Ends the connection politely, with a WebSocket close code. */
  close(code: number, reason: string): void {
    this.closing = true
    this.ws.close(code, reason)
    // What was mentioned before goes out with it.
    while (this.socket.writableCorked > 0) this.socket.uncork()
  }

  /** Ends the connection at once: what was not sent is dropped with it. */
  cutOff(): void {
    this.ws.terminate()
  }
}
