import type { Socket } from 'node:net'
import type { Standing } from '@hansard/rooms'

/** A session's place in a room: every chat up to `at` has been written to it. */
export type Member = {
  readonly session: Recipient
  at: number
  live: boolean
  /** where it went live: it has all notices about chats up to this one */
  liveAfter: number
  /** its standing in the room, as of the hub's rights version */
  standing: Standing
  /** whether it may post, as last sent to it */
  mayPost: boolean
  /** receives live chats as `c` */
  readonly brief: boolean
  /** notices of edited chats that arrived while it was catching up */
  held: Buffer[]
}

/** A session, as far as a room writes to it. */
export type Recipient = {
  readonly closed: boolean
  readonly socket: Socket
  /** Writes one copy of a room's frame. False when the client was disconnected because it does not read. */
  deliver(frame: Buffer): boolean
  /** Writes one copy of what nobody waits for. */
  mention(frame: Buffer): void
  /** Ends the connection at once. */
  cutOff(): void
}
