import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Clock } from '@hansard/clock'
import { silentLog } from '@hansard/log'
import type { HttpServer } from './create-server.ts'
import { createHttpServer, HTTP_DEFAULTS, type HttpSettings } from './index.ts'

/** A server with one route of each kind, on any free port. */
export async function startHttpInTest(
  clock: Clock,
  settings: Partial<HttpSettings> = {},
): Promise<HttpServer & { readonly port: number; readonly url: string; release(): void }> {
  // A request with `x-hold` is answered, before its body has come, when it is released.
  const held = Promise.withResolvers<void>()
  const server = await createHttpServer(
    { ...HTTP_DEFAULTS, host: '127.0.0.1', port: 0, ...settings },
    { clock, log: silentLog, forceCloseConnections: true },
  )
  server.app.get('/who', (request) => ({ remote: request.ip }))
  server.app.post('/echo', { bodyLimit: 64 }, (request) => request.body)
  await server.app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.put('/long', { config: { longBody: true } }, async (request) => {
      if (request.headers['x-hold'] !== undefined) {
        await held.promise
        return { bytes: 0 }
      }
      let bytes = 0
      for await (const piece of request.raw) bytes += (piece as Buffer).length
      return { bytes }
    })
  })
  const port = await server.listen()
  return {
    ...server,
    release: () => held.resolve(),
    port,
    url: `${settings.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
  }
}

/** A bare connection that notes what it is told. */
export class RawConnection {
  readonly socket: Socket
  readonly closed: Promise<unknown>
  heard = ''
  constructor(port: number, text = '', address = '127.0.0.1') {
    this.socket = connect({ port, host: '127.0.0.1', localAddress: address })
    this.socket.on('error', () => {})
    this.socket.on('data', (data) => {
      this.heard += data.toString()
    })
    this.closed = once(this.socket, 'close').catch(() => {})
    this.socket.write(text)
  }
  get isClosed(): boolean {
    return this.socket.closed
  }
}
