import type { Socket } from 'node:net'
import { systemClock } from '@hansard/clock'

/**
 * Server-to-client WebSocket frames (RFC 6455, section 5.2): FIN, text, unmasked.
 *
 * A room's chat is framed once and the same bytes are written to every member's socket.
 */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(header + length)
  frame[0] = 0x81
  if (header === 2) frame[1] = length
  else if (header === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, header)
  return frame
}

/**
 * Writes to many sockets with few system calls: a socket is corked on its first frame and uncorked at the end of the
 * batch, with however many frames it has been given by then.
 *
 * Answers never wait. Copies of a room's chats wait only while the event loop is saturated: when it has not been idle
 * since the last write, a system call for each copy is what it has no time for. Then copies are gathered for a few
 * milliseconds, so that each write carries more of them. As soon as the loop is idle again nothing waits.
 *
 * Who comes and goes is told in passing. When a crowd comes in, a copy for each of the others is nearly all that it
 * costs.
 */
export type Outgoing = {
  /** An answer somebody waits for. */
  answer(socket: Socket, frame: Buffer): void
  /** One of many copies of a chat, or of what belongs to one. */
  deliver(socket: Socket, frame: Buffer): void
  /** One of many copies of what nobody waits for: it leaves with whatever is written to the socket next, or in a moment. */
  mention(socket: Socket, frame: Buffer): void
  /** The end of a batch. Comes by itself at the end of the event loop's tick. */
  flush(): void
}

/** What `createOutgoing` reads of the machine; a test gives values of its own. */
export type LoopGauge = {
  /** milliseconds of real time */
  now(): number
  /** milliseconds that the event loop has been idle since the process began */
  idle(): number
  after(ms: number, run: () => void): void
}

const LOOP: LoopGauge = {
  now: systemClock.now,
  idle: () => performance.eventLoopUtilization().idle,
  // Real time, whatever clock the service keeps: this is about sockets.
  after: (ms, run) => void systemClock.after(ms, run),
}

/** No copy waits longer, in milliseconds. */
const GATHER_MS_MAX = 10
/** Copies are gathered so many times as long as the last write took. */
const GATHER_FACTOR = 4
/** Part of the time since the last write that the event loop was idle: below it the loop counts as saturated. */
const SATURATED_BELOW = 0.02
/** What is mentioned waits so long at most, in milliseconds. */
const MENTION_MS = 200
/** A socket that holds so many bytes is written to without waiting. */
const EARLY_BYTES = 128 * 1_024

export function createOutgoing(loop: LoopGauge = LOOP): Outgoing {
  let answered = new Set<Socket>()
  let delivered = new Set<Socket>()
  let mentioned = new Set<Socket>()
  let last = { at: loop.now(), tookMs: 0, idle: loop.idle() }
  let gathering = false
  let scheduled = false

  const uncork = (sockets: ReadonlySet<Socket>) => {
    // A socket may be in several sets; after its first uncork there is nothing to do.
    for (const socket of sockets) if (socket.writableCorked > 0) socket.uncork()
  }

  const flush = () => {
    scheduled = false
    if (answered.size > 0) {
      const sockets = answered
      answered = new Set()
      uncork(sockets)
    }
    if (delivered.size === 0 || gathering) return
    const since = loop.now() - last.at
    const wait = Math.min(GATHER_MS_MAX, GATHER_FACTOR * last.tookMs) - since
    if (wait <= 0 || loop.idle() - last.idle > SATURATED_BELOW * since) return release()
    gathering = true
    loop.after(wait, release)
  }

  const release = () => {
    gathering = false
    const sockets = delivered
    delivered = new Set()
    const started = loop.now()
    uncork(sockets)
    const at = loop.now()
    last = { at, tookMs: at - started, idle: loop.idle() }
  }

  const releaseMentioned = () => {
    const sockets = mentioned
    mentioned = new Set()
    uncork(sockets)
  }

  const write = (socket: Socket, frame: Buffer) => {
    if (socket.writableCorked === 0) socket.cork()
    socket.write(frame)
  }

  const schedule = () => {
    if (scheduled) return
    scheduled = true
    setImmediate(flush)
  }

  return {
    answer(socket, frame) {
      write(socket, frame)
      answered.add(socket)
      schedule()
    },
    deliver(socket, frame) {
      write(socket, frame)
      if (socket.writableLength > EARLY_BYTES) socket.uncork()
      else delivered.add(socket)
      schedule()
    },
    mention(socket, frame) {
      write(socket, frame)
      if (socket.writableLength > EARLY_BYTES) return socket.uncork()
      if (mentioned.size === 0) loop.after(MENTION_MS, releaseMentioned)
      mentioned.add(socket)
    },
    flush,
  }
}
