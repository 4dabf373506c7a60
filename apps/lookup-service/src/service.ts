import type { Bus } from '@hansard/bus'
import type { Clock } from '@hansard/clock'
import { TooManySignIns } from '@hansard/credentials'
import { type Service, startLoop, stopOnce } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import { readActiveServers, type SignIn, signInRefusal } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import { type PoolDirectory, type SignInReply, SignInRequest } from '@hansard/wire'
import type { FastifyInstance } from 'fastify'
import { createAssignments } from './assignments.ts'
import type { LookupServiceConfig } from './config.ts'
import { createPoolAddresses } from './pool-addresses.ts'
import { createReachableServices } from './reachable-services.ts'

const ANNOUNCE_MS = 10_000

/**
 * The lookup service: tells clients the addresses of the pool's services, signs users in, and assigns each session
 * the least-loaded channel service. Its only state is what the channel services report again within ten seconds.
 *
 * Adds its routes to a Fastify instance that the caller creates, listens with and closes.
 */
export async function startLookupService(
  config: LookupServiceConfig,
  deps: {
    app: FastifyInstance
    db: Database
    bus: Bus
    clock: Clock
    log: Log
    signIn: SignIn
    pool: string
    version: string
  },
): Promise<Service> {
  const { app, db, bus, clock, log, signIn, pool, version } = deps
  const stack = new AsyncDisposableStack()
  const assignments = createAssignments({ clock })
  const reachable = createReachableServices({ assignments, clock, log })
  stack.defer(() => reachable.loop.stop())
  const addresses = createPoolAddresses({ own: () => config.url, db, clock })
  const announce = async () => bus.publish({ t: 'lookup', url: config.url })
  stack.defer(
    await bus.subscribePool((message) => {
      if (message.t === 'load') {
        assignments.report(message)
        reachable.loop.wake()
      } else if (message.t === 'gone') assignments.remove(message.service)
      else if (message.t === 'lookup') addresses.heard(message.url)
      else if (message.t === 'load-wanted') void announce()
    }),
  )
  bus.publish({ t: 'load-wanted' })
  const announcing = startLoop({
    clock,
    everyMs: ANNOUNCE_MS,
    turn: announce,
    onError: (error) => log.warn({ err: error }, 'telling other lookup services failed'),
  })
  stack.defer(() => announcing.stop())

  app.get('/directory', async (): Promise<PoolDirectory> => {
    const admin = config.adminUrl === undefined ? {} : { admin: config.adminUrl }
    const [lookups, files] = [addresses.lookups(), await addresses.files()]
    return { pool, lookup: config.url, lookups, files, version, ...admin }
  })

  app.post('/sign-in', { bodyLimit: 8_192 }, async (request, reply): Promise<unknown> => {
    const credentials = SignInRequest.safeParse(request.body)
    if (!credentials.success) {
      const issue = credentials.error.issues[0]
      return reply.code(400).send({ error: 'malformed', message: `${issue?.path.join('.')}: ${issue?.message}` })
    }
    const { account, password, device, avoid } = credentials.data
    // Checked before the password: a client that cannot be served learns nothing about the account.
    if (assignments.known() === 0) bus.publish({ t: 'load-wanted' })
    try {
      const result = await signIn.withPassword({ account, password, device, remote: request.ip })
      if (result.outcome === 'refused') {
        if (result.reason === 'too-many-attempts') reply.code(429).header('retry-after', String(result.waitSeconds))
        else reply.code(401)
        return await reply.send({ error: result.reason, message: signInRefusal(result) })
      }
      const active = await readActiveServers(db)
      const endpoint = await reachable.assign(active, avoid)
      if (!endpoint) {
        // The answer does not name the servers: that is for operators only.
        const message =
          active.length === 0
            ? 'No channel service has room just now. Try again in a moment.'
            : 'None of the active servers is running with a free slot. An operator sees them with `hansard status`.'
        // No `retry-after` if an operator has named the active servers: then an operator has to act, and waiting does
        // not help.
        if (active.length === 0) reply.header('retry-after', '1')
        return await reply.code(503).send({ error: 'try-again', message })
      }
      const { principal } = result
      // Only now: a client that gets no endpoint signs in again, and each try would take the place of a known device.
      const newDevice = await result.rememberDevice()
      const { token, expiresAt } = await signIn.issueToken(principal)
      const granted: SignInReply = {
        token,
        endpoint,
        principal: { id: principal.id, uri: principal.uri, name: principal.name },
        expiresAt,
        ...(newDevice === undefined ? {} : { device: newDevice }),
      }
      return await reply.send(granted)
    } catch (error) {
      log.warn({ err: error }, 'a sign-in could not be decided')
      const message =
        error instanceof TooManySignIns ? error.message : 'The pool database cannot be reached. Try again in a moment.'
      return await reply.code(503).header('retry-after', '1').send({ error: 'try-again', message })
    }
  })

  const stop = stopOnce(stack)
  return { stop, [Symbol.asyncDispose]: stop }
}
