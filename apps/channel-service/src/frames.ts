import type { Socket } from 'node:net'

/**
 * Server-to-client WebSocket frames (RFC 6455, section 5.2): FIN, text, unmasked.
 *
 * A room's chat is framed once and the same bytes are written to every member's socket. Sockets are corked while a
 * batch is handed out, so each gets one system call however many frames it is due.
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

/** Corks sockets on their first write and uncorks them all at the next `flush`, which comes by itself at the end of the turn. */
export type Outgoing = { write(socket: Socket, frame: Buffer): void; flush(): void }

export function createOutgoing(): Outgoing {
  let corked: Socket[] = []
  const flush = () => {
    const sockets = corked
    corked = []
    for (const socket of sockets) socket.uncork()
  }
  return {
    write(socket, frame) {
      // writableCorked tells whether this socket is in the list already.
      if (socket.writableCorked === 0) {
        socket.cork()
        if (corked.push(socket) === 1) setImmediate(flush)
      }
      socket.write(frame)
    },
    flush,
  }
}
