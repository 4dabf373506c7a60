import type { Bus } from '@hansard/bus'
import type { Clock } from '@hansard/clock'
import { TooManySignIns } from '@hansard/credentials'
import { type Service, stopOnce } from '@hansard/lifecycle'
import { readActiveServers, type SignIn } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import { type PoolDirectory, type SignInReply, SignInRequest } from '@hansard/wire'
import type { FastifyInstance } from 'fastify'
import { createAssignments } from './assignments.ts'
import type { LookupServiceConfig } from './config.ts'

/**
 * The lookup service: tells a client where the pool's services are, signs people in, and gives each session the
 * least-loaded channel service. It keeps nothing that the channel services do not tell it again within ten seconds.
 *
 * Adds its routes to a Fastify instance that the caller makes, listens with and closes.
 */
export async function startLookupService(
  config: LookupServiceConfig,
  parts: {
    app: FastifyInstance
    db: Database
    bus: Bus
    clock: Clock
    signIn: SignIn
    pool: string
    version: string
  },
): Promise<Service> {
  const { app, db, bus, clock, signIn, pool, version } = parts
  const stack = new AsyncDisposableStack()
  const assignments = createAssignments({ clock })
  stack.defer(
    await bus.subscribePool((message) => {
      if (message.t === 'load') assignments.report(message)
    }),
  )
  bus.publish({ t: 'load-wanted' })

  app.get('/directory', (): PoolDirectory => {
    const admin = config.adminUrl === undefined ? {} : { admin: config.adminUrl }
    return { pool, lookup: config.url, version, ...admin }
  })

  app.post('/sign-in', { bodyLimit: 8_192 }, async (request, reply): Promise<unknown> => {
    const credentials = SignInRequest.safeParse(request.body)
    if (!credentials.success) {
      const issue = credentials.error.issues[0]
      return reply.code(400).send({ error: 'malformed', message: `${issue?.path.join('.')}: ${issue?.message}` })
    }
    // Asked before the password: a client that cannot be served learns nothing about the account.
    if (assignments.known() === 0) bus.publish({ t: 'load-wanted' })
    try {
      const result = await signIn.withPassword({ ...credentials.data, remote: request.ip })
      if (result.outcome === 'refused') {
        const [status, message] =
          result.reason === 'too-many-attempts'
            ? [429, 'Too many failed attempts. Wait five minutes.']
            : [401, 'Account or password is wrong.']
        return await reply.code(status as number).send({ error: result.reason, message })
      }
      const active = await readActiveServers(db)
      const endpoint = assignments.assign(active)
      if (!endpoint) {
        // Which servers those are is the operators' business.
        const message =
          active.length === 0
            ? 'No channel service has room just now. Try again in a moment.'
            : 'None of the servers that are said to be active has room or is running. An operator sees them with `hansard status`.'
        return await reply.code(503).header('retry-after', '1').send({ error: 'try-again', message })
      }
      const { principal, token, expiresAt } = result
      const granted: SignInReply = {
        token,
        endpoint,
        principal: { id: principal.id, uri: principal.uri, name: principal.name },
        expiresAt,
      }
      return await reply.send(granted)
    } catch (error) {
      request.log.warn({ err: error }, 'sign-in could not be looked at')
      const message =
        error instanceof TooManySignIns ? error.message : 'The pool database cannot be reached. Try again in a moment.'
      return await reply.code(503).header('retry-after', '1').send({ error: 'try-again', message })
    }
  })

  const stop = stopOnce(stack)
  return { stop, [Symbol.asyncDispose]: stop }
}
