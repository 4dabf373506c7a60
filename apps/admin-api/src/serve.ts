import { ADMIN_ROUTES, type AdminRouteName } from '@hansard/admin-contract'
import type { FastifyInstance } from 'fastify'
import { recordRead } from './audit-read.ts'
import { callOf, type Handle, type Handlers } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { AdminProblem, problemOf, sendProblem } from './problems.ts'

const BODY_MAX = 4 * 1_024 * 1_024

/** Adds every route of the catalogue, and an answer to requests for any other. */
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
