import type { Socket } from 'node:net'
import { systemClock, type Timer } from '@hansard/clock'

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
 * Writes to many sockets with few system calls: a socket is corked on its first frame and uncorked later, with however
 * many frames it is due by then.
 *
 * Answers leave at the end of the batch. What is handed out to a room leaves then too as long as that takes no time worth
 * speaking of; after a handout to many sockets the next one waits several times as long as that one took (a system
 * call is nearly all of a delivery), so that under load each carries more.
 */
export type Outgoing = {
  /** An answer somebody waits for. */
  answer(socket: Socket, frame: Buffer): void
  /** One of many copies. */
  deliver(socket: Socket, frame: Buffer): void
  /** The end of a batch. Comes by itself at the end of the event loop's turn. */
  flush(): void
}

/** The next handout waits so many times as long as this one took, and so many milliseconds at most. */
const WAIT_FACTOR = 8
const WAIT_MS_MAX = 250
/** A socket that holds so many bytes is written to without waiting. */
const EARLY_BYTES = 128 * 1_024

export function createOutgoing(): Outgoing {
  let answered: Socket[] = []
  let handed: Socket[] = []
  let notBefore = 0
  let waiting: Timer | undefined
  let scheduled = false

  const uncork = (sockets: readonly Socket[]) => {
    // A socket may be in both lists; its second uncork finds nothing to do.
    for (const socket of sockets) if (socket.writableCorked > 0) socket.uncork()
  }

  const flush = () => {
    scheduled = false
    if (answered.length > 0) {
      const sockets = answered
      answered = []
      uncork(sockets)
    }
    if (handed.length === 0 || waiting) return
    // Real time, whatever clock the service keeps: this is about sockets.
    const early = notBefore - systemClock.now()
    if (early <= 0) return release()
    waiting = systemClock.after(early, release)
  }

  const release = () => {
    waiting = undefined
    const sockets = handed
    handed = []
    const started = systemClock.now()
    uncork(sockets)
    const ended = systemClock.now()
    notBefore = ended + Math.min(WAIT_MS_MAX, WAIT_FACTOR * (ended - started))
  }

  const write = (socket: Socket, frame: Buffer, list: Socket[]) => {
    if (socket.writableCorked === 0) {
      socket.cork()
      list.push(socket)
    }
    socket.write(frame)
    if (scheduled) return
    scheduled = true
    setImmediate(flush)
  }

  return {
    answer(socket, frame) {
      if (socket.writableCorked > 0) answered.push(socket)
      write(socket, frame, answered)
    },
    deliver(socket, frame) {
      write(socket, frame, handed)
      if (socket.writableLength > EARLY_BYTES) socket.uncork()
    },
    flush,
  }
}
