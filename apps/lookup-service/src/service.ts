import type { Bus } from '@hansard/bus'
import type { Clock } from '@hansard/clock'
import { TooManySignIns } from '@hansard/credentials'
import { type Service, startLoop, stopOnce } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import {
  createRecordWriter,
  createSignIn,
  createSignInRecord,
  EXPIRED_AT_ONCE,
  readActiveServers,
  recordExpiredSessions,
  SourceFenced,
  type StoredPoolSettings,
  signInRefusal,
  startSource,
  stopSource,
  type TokenKeys,
} from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import { type PoolDirectory, type SignInReply, SignInRequest } from '@hansard/wire'
import type { FastifyInstance } from 'fastify'
import { createAssignments } from './assignments.ts'
import type { LookupServiceConfig } from './config.ts'
import { createPoolAddresses } from './pool-addresses.ts'
import { createReachableServices } from './reachable-services.ts'

const ANNOUNCE_MS = 10_000

export type LookupService = Service & {
  readonly source: { readonly name: string; readonly epoch: number }
  /** Resolves, with the reason, when a successor has fenced this instance: its process should end. */
  readonly fenced: Promise<Error>
}

/**
 * The lookup service: tells clients the addresses of the pool's services, signs users in, and assigns each session
 * the least-loaded channel service.
 *
 * It is a source: a sign-in and its assignment are on record before they are answered, and one that cannot be recorded
 * is refused. While it is alive it reports every second, because no interval closes before it has. Everything else it
 * knows is what the channel services report again within ten seconds.
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
    tokenKeys: TokenKeys
    settings: StoredPoolSettings
    version: string
  },
): Promise<LookupService> {
  const { app, db, bus, clock, log, tokenKeys, settings, version } = deps
  const { pool, domain, poolRoomId } = settings
  const stack = new AsyncDisposableStack()
  // No endpoint: clients find file and channel services by theirs.
  const source = await startSource(db, { name: config.name, endpoint: '', now: clock.now() })
  const fenced = Promise.withResolvers<Error>()
  const writer = createRecordWriter({
    db,
    clock,
    source,
    place: { pool, site: undefined },
    onFailure(error) {
      if (!(error instanceof SourceFenced)) return log.warn({ err: error }, 'sign-ins could not be recorded')
      log.error({ err: error }, 'fenced by a successor; stopping')
      fenced.resolve(error)
    },
  })
  stack.defer(() => stopSource(db, { ...source, now: clock.now() }))
  stack.defer(() => writer.stop())
  const record = createSignInRecord({
    writer,
    dialect: db.dialect,
    clock,
    log,
    service: source.name,
    pool: { domain, poolRoomId },
  })
  stack.defer(() => record.stop())
  const signIn = createSignIn({ db, clock, tokenKeys, record })
  const onError = (doing: string) => (error: unknown) => log.warn({ err: error }, `${doing} failed; trying again`)
  const heartbeat = startLoop({
    clock,
    everyMs: config.heartbeatMs,
    turn: () => writer.report(),
    onError: onError('heartbeat'),
  })
  stack.defer(() => heartbeat.stop())
  const expiring = startLoop({
    clock,
    everyMs: config.expiredMs,
    async turn() {
      const found = await recordExpiredSessions({ db, writer, poolRoomId, now: clock.now() })
      return found === EXPIRED_AT_ONCE ? 'again' : undefined
    },
    onError: onError('recording expired sessions'),
  })
  stack.defer(() => expiring.stop())
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
    onError: onError('telling other lookup services'),
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
      const assigned = await reachable.assign(active, avoid)
      if (!assigned) {
        const { id: principalId } = result.principal
        signIn.record.note({ outcome: 'no-channel-service', account, principalId, remote: request.ip })
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
      const { token, expiresAt } = await signIn.issueToken(principal, {
        remote: request.ip,
        device: result.device,
        assignedTo: assigned.service,
      })
      const granted: SignInReply = {
        token,
        endpoint: assigned.endpoint,
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

  log.info({ source: source.name, epoch: source.epoch }, 'lookup service started')

  const stop = stopOnce(stack)
  return { source, fenced: fenced.promise, stop, [Symbol.asyncDispose]: stop }
}
