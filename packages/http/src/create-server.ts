import type { IncomingMessage } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Clock } from '@hansard/clock'
import { type Service, stopOnce } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { type ConnectionLimits, limitConnections } from './connection-limits.ts'
import { connectionsWithin } from './descriptors.ts'
import { probePort } from './probe-port.ts'
import { endWithProblem, httpProblem, SAFE_HEADERS, sendHttpProblem } from './problems.ts'
import { methodsOfRoutes } from './route-methods.ts'
import { type HttpSettings, requireListenable } from './settings.ts'
import { followTlsFiles, readTls } from './tls-files.ts'
import { remoteOf, trustOf } from './trusted-proxies.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body may take as long as it likes, as long as it goes on. */
    longBody?: boolean
  }
}

export type HttpServer = Service & {
  readonly app: FastifyInstance
  /** connections this server accepts at once, by its settings and by the limit of open files */
  readonly connectionsMax: number
  /** Begins to listen; answers the port. */
  listen(): Promise<number>
  /** Passes connections that a client wants to upgrade to `take`, which must answer and end each of them. */
  takeUpgrades(take: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): void
  /** The client's address: the peer's, or what trusted proxies say. */
  remoteOf(request: IncomingMessage): string
  /** connections that carry no session */
  pending(): number
}

type HttpServerDeps = {
  readonly clock: Clock
  readonly log: Log
  /** descriptors that requests may need beside their connections */
  readonly filesMax?: number
  /** true: stopping cuts what is under way; false: it waits for it */
  readonly forceCloseConnections?: boolean
}

/**
 * The HTTP server of a service, with or without TLS. The caller adds its routes to `app`, and then lets it listen.
 * Rejects when its port is in use, so that nothing is started that would have to be undone.
 *
 * What every service must do alike is done here: the address of a client behind a trusted proxy, timeouts and limits of
 * connections, a reserve of descriptors, security headers, and one shape of errors.
 */
export async function createHttpServer(settings: HttpSettings, deps: HttpServerDeps): Promise<HttpServer> {
  const { clock, log } = deps
  requireListenable(settings)
  if (settings.port !== 0) await probePort(settings)
  const connectionsMax = connectionsWithin(settings, deps.filesMax === undefined ? {} : { filesMax: deps.filesMax })
  if (connectionsMax < settings.connectionsMax)
    log.info({ connectionsMax, wanted: settings.connectionsMax }, 'the limit of open files allows fewer connections')
  const stack = new AsyncDisposableStack()
  const trust = trustOf(settings.trustedProxies)
  const material = settings.tls && (await readTls(settings.tls))
  const app = makeApp(settings, deps, material)
  const { server } = app
  stack.defer(() => app.close())
  server.maxConnections = connectionsMax
  server.headersTimeout = settings.headersMs
  // Bodies have limits of their own, because some may be long.
  server.requestTimeout = 0
  if (settings.tls && material) {
    const loop = followTlsFiles(server as unknown as TlsServer, { files: settings.tls, material, clock, log })
    stack.defer(() => loop.stop())
  }
  const pendingMax = Math.min(settings.pendingMax || Math.max(1, Math.floor(connectionsMax / 4)), connectionsMax)
  const limits = limitConnections(server, {
    clock,
    log,
    trust,
    limits: {
      pendingMax,
      pendingPerAddressMax: settings.pendingPerAddressMax || Math.ceil(pendingMax / 2),
      bodyMs: settings.bodyMs,
      progressMs: settings.progressMs,
    },
  })
  stack.defer(() => limits.loop.stop())
  addHooks(app, { log, limits })

  const stop = stopOnce(stack)
  return {
    app,
    connectionsMax,
    async listen() {
      await app.listen({ host: settings.host, port: settings.port, backlog: 4_096 })
      return (server.address() as { port: number }).port
    },
    takeUpgrades(take) {
      server.on('upgrade', (request, socket, head) => {
        // Node hands the socket over without its own listener: a client that resets it must not end the process.
        socket.on('error', () => socket.destroy())
        limits.upgraded(socket)
        take(request, socket, head)
      })
    },
    remoteOf: (request) => remoteOf(request, trust),
    pending: limits.pending,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function makeApp(
  settings: HttpSettings,
  { forceCloseConnections = false }: HttpServerDeps,
  tls: Awaited<ReturnType<typeof readTls>> | undefined,
): FastifyInstance {
  // Node looks for late headers this often.
  const connectionsCheckingInterval = Math.min(5_000, settings.headersMs)
  const trust = trustOf(settings.trustedProxies)
  const options: FastifyServerOptions = {
    // No log of its own: a request's URL may hold a token.
    logger: false,
    // `true` cuts idle and busy connections, `'idle'` only idle ones.
    forceCloseConnections: forceCloseConnections || 'idle',
    keepAliveTimeout: 65_000,
    trustProxy: settings.trustedProxies.length > 0 ? (address) => trust(address) : false,
    // Names of rooms stand in paths.
    routerOptions: { maxParamLength: 8_192 },
    frameworkErrors: (error, _request, reply) => void sendHttpProblem(reply, httpProblem(error)),
    clientErrorHandler(error, socket) {
      // A handshake that failed leaves nothing to answer on.
      if (error.code === 'ECONNRESET' || socket.destroyed || /^ERR_(SSL|TLS|OSSL)/.test(error.code ?? ''))
        return void socket.destroy()
      const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      const large = error.code === 'HPE_HEADER_OVERFLOW'
      endWithProblem(socket, {
        status: late ? 408 : large ? 431 : 400,
        error: 'malformed',
        message: late
          ? 'The request did not arrive in time.'
          : large
            ? 'The headers of the request are too large.'
            : 'This is no request in HTTP.',
      })
    },
  }
  if (!tls) return fastify({ ...options, http: { connectionsCheckingInterval } })
  const https = { ...tls, connectionsCheckingInterval, handshakeTimeout: settings.headersMs }
  // Fastify types an instance by its kind of server; routes are the same on both.
  return fastify({ ...options, ...({ https } as object) })
}

function addHooks(app: FastifyInstance, { log, limits }: { log: Log; limits: ConnectionLimits }): void {
  const methodsAt = methodsOfRoutes(app)
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config?.longBody) limits.allowLongBody(request.raw)
  })
  app.addHook('onSend', async (_request, reply) => {
    for (const [name, value] of Object.entries(SAFE_HEADERS)) if (!reply.hasHeader(name)) reply.header(name, value)
  })
  app.setErrorHandler((error, request, reply) => {
    const problem = httpProblem(error)
    if (problem.status === 500) log.warn({ err: error, route: request.routeOptions.url }, 'a request failed')
    return sendHttpProblem(reply, problem)
  })
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsAt(request.url)
    if (methods.length === 0)
      return sendHttpProblem(reply, { status: 404, error: 'not-found', message: 'There is nothing at this path.' })
    return sendHttpProblem(reply.header('allow', methods.join(', ')), {
      status: 405,
      error: 'not-found',
      message: `This path takes ${methods.join(', ')}.`,
    })
  })
}
