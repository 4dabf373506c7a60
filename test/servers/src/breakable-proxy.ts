import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP connection to a server that a test can break: what a network does, seen from one of two machines. */
export type BreakableProxy = AsyncDisposable & {
  /** the server's URL, by way of the proxy */
  readonly url: string
  /** Ends every connection at once, and lets no other through. */
  cut(): void
  mend(): void
  /**
   * Called with what a client sends, before it goes on. `drop` ends the connection and passes nothing on; a promise holds it
   * back, and what comes after it, until it resolves.
   */
  onSent: (text: string) => 'drop' | Promise<void> | undefined
  /** Called with what the server answers. `drop` ends the connection and passes nothing on. */
  onAnswered: (text: string) => 'drop' | undefined
  stop(): Promise<void>
}

export async function startBreakableProxy(url: string): Promise<BreakableProxy> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let whole = true
  const server = createServer((client) => {
    if (!whole) return void client.destroy()
    const onward = connect(Number(target.port), target.hostname)
    const end = () => {
      for (const each of [client, onward]) {
        each.destroy()
        sockets.delete(each)
      }
    }
    for (const each of [client, onward]) {
      sockets.add(each)
      each.on('error', end).on('close', end)
    }
    let sending = Promise.resolve()
    client.on('data', (piece) => {
      sending = sending.then(async () => {
        const verdict = proxy.onSent(piece.toString('latin1'))
        if (verdict === 'drop') return end()
        await verdict
        if (!onward.destroyed) onward.write(piece)
      })
    })
    onward.on('data', (piece) => {
      if (proxy.onAnswered(piece.toString('latin1')) === 'drop') return end()
      client.write(piece)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String((server.address() as AddressInfo).port)
  const proxy: BreakableProxy = {
    url: through.href,
    cut() {
      whole = false
      for (const socket of sockets) socket.destroy()
    },
    mend() {
      whole = true
    },
    onSent: () => undefined,
    onAnswered: () => undefined,
    async stop() {
      proxy.cut()
      server.close()
      if (server.listening) await once(server, 'close')
    },
    [Symbol.asyncDispose]: () => proxy.stop(),
  }
  return proxy
}
