import { ADMIN_ROUTES, type AdminRouteName } from '@hansard/admin-contract'
import type { Log } from '@hansard/log'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { recordRead } from './audit-read.ts'
import { callOf, type Handle, type Handlers } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { AdminProblem, problemOf, sendProblem } from './problems.ts'

const BODY_MAX = 4 * 1_024 * 1_024

/**
 * What a Fastify instance that carries the admin API must be made with: names of rooms stand in paths, so parts of a
 * path may be long, and a path that cannot be read is answered with a problem like everything else.
 */
export function adminHttpOptions(log: Log): HttpOptions {
  return {
    routerOptions: { maxParamLength: 8_192 },
    frameworkErrors: (error, _request, reply) => {
      void sendProblem(reply, problemOf(log, 'reading a request', error))
    },
    // What is no HTTP at all: there is no request to answer, only a socket.
    clientErrorHandler: (error, socket) => {
      if (error.code === 'ECONNRESET' || socket.destroyed) return
      const { code, message } = new AdminProblem('malformed', 'This is no request in HTTP.')
      const body = JSON.stringify({ error: code, message })
      const head = `HTTP/1.1 400 Bad Request\r\nContent-Length: ${Buffer.byteLength(body)}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n`
      if (socket.writable) socket.write(`${head}${body}`)
      socket.destroy(error)
    },
  }
}

type HttpOptions = Pick<FastifyServerOptions, 'routerOptions' | 'frameworkErrors' | 'clientErrorHandler'>

/** Adds every route of the catalogue, and an answer to whatever is none. */
export function serve(app: FastifyInstance, deps: AdminApiDeps, handlers: Handlers): void {
  const prefix = '/admin'
  void app.register(
    async (admin) => {
      admin.setErrorHandler((error, request, reply) => sendProblem(reply, problemOf(deps.log, request.method, error)))
      admin.setNotFoundHandler((_request, reply) =>
        sendProblem(reply, new AdminProblem('not-found', 'The admin API has no such route.')),
      )
      for (const name of Object.keys(ADMIN_ROUTES) as AdminRouteName[]) {
        const { method, path } = ADMIN_ROUTES[name]
        const handle = handlers[name] as Handle<AdminRouteName>
        admin.route({
          method,
          url: path.slice(prefix.length),
          bodyLimit: BODY_MAX,
          async handler(request) {
            const call = await callOf(name, request, deps)
            await recordRead(deps, name, call)
            return handle(deps, call)
          },
        })
      }
    },
    { prefix },
  )
}
