import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP connection to a server that a test can break: a network failure, as seen by one of two machines. */
export type BreakableProxy = AsyncDisposable & {
  /** the server's URL through the proxy */
  readonly url: string
  /** Closes every connection at once and accepts no more. */
  cut(): void
  mend(): void
  /** New connections lead to another server; open ones are not affected. */
  leadTo(url: string): void
  /**
   * Called with what a client sends, before it is forwarded. `drop` closes the connection and forwards nothing; a
   * promise delays it, and everything after it, until it resolves.
   */
  onSent: (text: string) => 'drop' | Promise<void> | undefined
  /** The same for what the server sends. */
  onAnswered: (text: string) => 'drop' | Promise<void> | undefined
  stop(): Promise<void>
}

export async function startBreakableProxy(url: string): Promise<BreakableProxy> {
  let target = new URL(url)
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
    const pass = (from: Socket, to: Socket, judge: (text: string) => 'drop' | Promise<void> | undefined) => {
      let passing = Promise.resolve()
      from.on('data', (piece) => {
        passing = passing.then(async () => {
          const verdict = judge(piece.toString('latin1'))
          if (verdict === 'drop') return end()
          await verdict
          if (!to.destroyed) to.write(piece)
        })
      })
    }
    pass(client, onward, (text) => proxy.onSent(text))
    pass(onward, client, (text) => proxy.onAnswered(text))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  // Not past the proxy.
  through.searchParams.delete('host')
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
    leadTo(other) {
      target = new URL(other)
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
