import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/**
 * A minimal-cost WebSocket client: it masks what it sends with zeros (RFC 6455 allows any mask) and treats received
 * frames as bytes, so that the server is measured and not the client.
 */
export type RawClient = {
  send(text: string): void
  /** called with the payload of each received text frame */
  onFrame: (payload: Buffer) => void
  close(): void
  readonly socket: Socket
}

export async function openRawClient(url: string): Promise<RawClient> {
  const { hostname, port, pathname } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  await once(socket, 'connect')
  const key = randomBytes(16).toString('base64')
  socket.write(
    `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  )
  let buffered: Buffer = Buffer.alloc(0)
  let upgraded: () => void
  let refused: (error: Error) => void
  const ready = new Promise<void>((resolve, reject) => {
    upgraded = resolve
    refused = reject
  })
  const client: RawClient = {
    socket,
    onFrame: () => {},
    send(text) {
      const length = Buffer.byteLength(text)
      const header = length < 126 ? 6 : 8
      const frame = Buffer.alloc(header + length)
      frame[0] = 0x81
      if (header === 6) frame[1] = 0x80 | length
      else {
        frame[1] = 0x80 | 126
        frame.writeUInt16BE(length, 2)
      }
      frame.write(text, header)
      socket.write(frame)
    },
    close: () => socket.destroy(),
  }
  let open = false
  socket.on('error', (error) => refused(error))
  socket.on('data', (chunk: Buffer) => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk])
    if (!open) {
      const end = buffered.indexOf('\r\n\r\n')
      if (end < 0) return
      const status = buffered.toString('latin1', 0, end).split('\r\n')[0]!
      if (!status.includes(' 101 ')) return refused(new Error(status))
      open = true
      buffered = buffered.subarray(end + 4)
      upgraded()
    }
    let at = 0
    while (buffered.length - at >= 2) {
      const short = buffered[at + 1]! & 0x7f
      const header = short < 126 ? 2 : short === 126 ? 4 : 10
      if (buffered.length - at < header) break
      const length =
        short < 126 ? short : short === 126 ? buffered.readUInt16BE(at + 2) : Number(buffered.readBigUInt64BE(at + 2))
      if (buffered.length - at < header + length) break
      if ((buffered[at]! & 0x0f) === 1) client.onFrame(buffered.subarray(at + header, at + header + length))
      at += header + length
    }
    buffered = buffered.subarray(at)
  })
  await ready
  return client
}
