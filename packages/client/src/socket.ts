/**
 * The one thing the client asks of a WebSocket library, so that a program may bring its own.
 *
 * `openSocket` starts connecting and returns at once. Exactly one `closed` follows, whether or not `open`
 * came before it; nothing follows `closed`. Neither `send` nor `close` throws.
 */
export type OpenSocket = (url: string, events: SocketEvents) => Socket

export type Socket = {
  send(text: string): void
  /** Ends the connection politely. `closed` follows, at the latest when the other side has answered. */
  close(): void
  /** Ends the connection at once, without asking. `closed` follows. */
  drop(): void
}

export type SocketEvents = {
  open(): void
  message(text: string): void
  closed(reason: string): void
}

/** The WebSocket that browsers have, and Node. */
export function standardSocket(WebSocketClass: typeof globalThis.WebSocket): OpenSocket {
  return (url, events) => {
    const socket = new WebSocketClass(url)
    let over = false
    const end = (reason: string) => {
      if (over) return
      over = true
      events.closed(reason)
    }
    socket.addEventListener('open', () => {
      if (!over) events.open()
    })
    socket.addEventListener('message', (event) => {
      if (!over && typeof event.data === 'string') events.message(event.data)
    })
    socket.addEventListener('close', (event) => end(event.reason || `closed with code ${event.code}`))
    socket.addEventListener('error', () => {
      // The reason is hidden from scripts on purpose; `close` follows with a code.
    })
    return {
      send(text) {
        if (socket.readyState === WebSocketClass.OPEN) socket.send(text)
      },
      close: () => socket.close(1000),
      drop() {
        // There is no harder way in this interface, and its own farewell may take a minute to time out.
        socket.close()
        end('dropped')
      },
    }
  }
}
