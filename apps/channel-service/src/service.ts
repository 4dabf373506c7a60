import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Bus, type BusMessage, isRoomMessage, type PoolMessage } from '@hansard/bus'
import type { Clock } from '@hansard/clock'
import { type Service, StopStack, startLoop } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import { createPoolCommands } from '@hansard/pool-commands'
import {
  CONFIRMED_ALIVE_MS,
  createRecordWriter,
  createSignIn,
  createSignInRecord,
  declareDead,
  type PoolSettings,
  SourceFenced,
  silentSources,
  startSource,
  stopSource,
  type TokenKeys,
} from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import { FRAME_BYTES_MAX, type Refusal } from '@hansard/wire'
import { WebSocketServer } from 'ws'
import { createAttention } from './attention/attention.ts'
import { forgetUnlogged } from './background/forget-unlogged.ts'
import { keepIndex } from './background/keep-index.ts'
import { readLiveConfiguration } from './background/live-configuration.ts'
import type { ChannelServiceConfig } from './config.ts'
import { createConnections } from './delivery/connections.ts'
import { createOutgoing } from './delivery/frames.ts'
import { Session } from './delivery/session.ts'
import { createEvict } from './departures/evict.ts'
import { partAllRooms } from './departures/part-room.ts'
import { endExpired, findDisabled, recheckMembers } from './departures/recheck-members.ts'
import { createRecordPart, partOrphans } from './departures/record-departures.ts'
import type { ChannelServiceDeps } from './deps.ts'
import { createRequestsUnderWay } from './requests/limits.ts'
import { receive } from './requests/receive.ts'
import { createDelivery } from './rooms/deliver.ts'
import { createRoomsInService } from './rooms/rooms-in-service.ts'

export type ChannelService = Service & {
  readonly source: { readonly name: string; readonly epoch: number }
  /** Takes over a WebSocket upgrade. The caller has matched the path. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  sessions(): number
  /** Resolves, with the reason, when a successor has fenced this instance: its process should end. */
  readonly fenced: Promise<Error>
}

/** Refusals that are recorded because they are about what somebody may do. */
const REFUSED_RIGHTS: ReadonlySet<Refusal> = new Set([
  'no-such-room',
  'not-a-member',
  'not-a-presenter',
  'not-a-manager',
  'not-a-creator',
  'not-an-administrator',
  'not-in-scope',
])

const KEEP_ALIVE_MS = 30_000
const ORPHAN_CHECK_MS = 5_000
/** A bus that drops everything delays a chat, or putting somebody out of a room, by no more than this. */
const ROOM_CHECK_MS = 1_000
const ACCOUNT_CHECK_MS = 2_000
const SLOW_CHECK_MS = 10_000

/**
 * The channel service: rooms over WebSocket.
 *
 * Starting takes a new epoch of the source's name, which ends the predecessor, and then records the departures the
 * predecessor could not. Stopping records everybody's departure before the source is declared stopped, so that a
 * service that was stopped properly leaves nobody behind.
 */
export async function startChannelService(
  config: ChannelServiceConfig,
  {
    db,
    bus,
    clock,
    log,
    settings,
    tokenKeys,
  }: { db: Database; bus: Bus; clock: Clock; log: Log; settings: PoolSettings; tokenKeys: TokenKeys },
): Promise<ChannelService> {
  const stack = new StopStack()
  const source = await startSource(db, { name: config.name, endpoint: config.endpoint, now: clock.now() })
  const instance = `${source.name}/${source.epoch}`
  const connections = createConnections(config)
  const sessions = connections.all
  const outgoing = createOutgoing()
  const delivery = createDelivery({ bus, service: instance, outgoing })
  const configuration = await readLiveConfiguration(db, {
    service: config.name,
    site: config.site,
    overrides: config.limits,
  })
  const onError = (doing: string) => (error: unknown) => log.warn({ err: error }, `${doing} failed; trying again`)
  const attention = createAttention({ db, bus, clock, onError: onError('telling of what is new') })
  // A service that was cut off from the database may have been declared dead, and its people are out of their rooms then. Half
  // of the silence that is waited for before that, it still hands out what it hears; after that only what the record confirms.
  let confirmedAt = clock.now()
  const confirmedForMs = Math.min(CONFIRMED_ALIVE_MS, (config.declareDeadAfterMs || Number.POSITIVE_INFINITY) / 2)
  const standing = () => clock.now() - confirmedAt < confirmedForMs
  const rooms = createRoomsInService({
    db,
    bus,
    place: { pool: settings.pool, site: config.site },
    source,
    standing,
    participantUpdateLimit: () => configuration.limits.participantUpdateLimit,
    evict: createEvict(() => deps),
    feeds: attention.feeds,
    onError: onError('judging who is in a room'),
  })

  let announceFenced = (_reason: Error) => {}
  const fenced = new Promise<Error>((resolve) => {
    announceFenced = resolve
  })
  const writer = createRecordWriter({
    db,
    clock,
    source,
    place: { pool: settings.pool, site: config.site },
    onCommit(begunAt) {
      confirmedAt = Math.max(confirmedAt, begunAt)
    },
    onBatch: () => delivery.endOfBatch(),
    onFailure(error) {
      if (error instanceof SourceFenced) {
        log.error({ err: error }, 'fenced by a successor; stopping')
        for (const session of sessions) session.close(1012, 'this service has been replaced')
        announceFenced(error)
      } else {
        log.warn({ err: error }, 'a batch could not be recorded')
      }
    },
  })
  const recordPart = createRecordPart({ writer, clock })
  const record = createSignInRecord({ db, clock, log, service: config.name })
  stack.push(() => record.stop())
  const signIn = createSignIn({ db, clock, tokenKeys, record })
  const onRefused = (session: Session, re: number | undefined, code: Refusal) => {
    const { principal, remote } = session
    if (!principal || !REFUSED_RIGHTS.has(code)) return
    const detail = `${code}: ${(re !== undefined && session.asked.get(re)) || 'a request'}`
    record.note({ outcome: 'not-allowed', account: principal.account, principalId: principal.id, remote, detail })
  }
  // What this service changes itself it hears at once, whether or not there is a bus just now.
  const hear = (message: BusMessage) => {
    if (isRoomMessage(message)) rooms.hear(message)
    else hearPool(message)
  }
  const commands = createPoolCommands({
    db,
    writer,
    bus: {
      ...bus,
      publish(message) {
        bus.publish(message)
        hear(message)
      },
    },
    from: instance,
    domain: settings.domain,
    poolRoomId: settings.poolRoomId,
  })
  const requests = createRequestsUnderWay()
  const deps: ChannelServiceDeps = {
    db,
    settings,
    commands,
    clock,
    bus,
    writer,
    signIn,
    rooms,
    config,
    configuration,
    recordPart,
    delivery,
    attention,
    requests,
    connections,
  }

  stack.push(() => stopSource(db, { ...source, now: clock.now() }))
  stack.push(() => writer.stop())
  await commands.preparePool()

  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: FRAME_BYTES_MAX,
    perMessageDeflate: false,
    clientTracking: false,
  })
  let stopping = false

  const accept = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const remote = request.socket.remoteAddress ?? 'unknown'
    if (stopping || !connections.mayConnect(remote)) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n\r\n')
      return
    }
    wss.handleUpgrade(request, socket, head, (ws) => {
      const session = new Session({
        id: crypto.randomUUID(),
        remote,
        socket: socket as Socket,
        ws,
        outgoing,
        bufferMax: config.sessionBufferMax,
        requestsPerSecond: config.requestsPerSecond,
        now: clock.now(),
        onRefused,
      })
      connections.add(session)
      // A client whose machine vanished says nothing; the kernel finds out.
      session.socket.setKeepAlive(true, KEEP_ALIVE_MS)
      const patience = clock.after(config.signInWithinMs, () => {
        if (!session.principal) session.close(1008, 'sign in sooner')
      })
      ws.on('message', (data, isBinary) => {
        if (isBinary) session.refuse(undefined, 'malformed', 'Frames are text, not binary.')
        else receive(deps, session, data.toString())
      })
      ws.on('error', (error) => log.debug({ err: error, session: session.id }, 'connection error'))
      ws.on('close', () => {
        session.closed = true
        patience.cancel()
        connections.remove(session)
        attention.ended(session)
        requests.ended(session)
        void partAllRooms(deps, session, stopping ? 'stopped' : 'disconnected')
      })
    })
  }

  stack.push(async () => {
    for (const session of sessions) {
      void partAllRooms(deps, session, 'stopped')
      session.close(1001, 'this service is stopping')
    }
    await writer.drained()
    for (const session of sessions) session.cutOff()
    wss.close()
  })

  const reportLoad = () =>
    bus.publish({
      t: 'load',
      service: source.name,
      endpoint: config.endpoint,
      sessions: sessions.size,
      sessionsMax: config.sessionsMax,
    })
  const loops = [
    startLoop({ clock, everyMs: config.loadReportMs, turn: async () => reportLoad(), onError: onError('load report') }),
    startLoop({ clock, everyMs: config.heartbeatMs, turn: () => writer.report(), onError: onError('heartbeat') }),
    startLoop({
      clock,
      everyMs: ORPHAN_CHECK_MS,
      async turn(signal) {
        if (config.declareDeadAfterMs > 0) {
          const silentSince = clock.now() - config.declareDeadAfterMs
          for (const name of await silentSources(db, silentSince)) {
            if (name === source.name) continue
            log.error({ source: name }, 'a source is silent and is declared dead')
            await declareDead(db, { name, now: clock.now(), silentSince })
          }
        }
        return (await partOrphans({ db, recordPart }, signal)) > 0 ? 'again' : 'pause'
      },
      onError: onError('recording orphaned departures'),
    }),
    // What a bus drops is found by comparing with the record.
    startLoop({
      clock,
      everyMs: ROOM_CHECK_MS,
      async turn() {
        await rooms.compare()
        await attention.compare()
      },
      onError: onError('comparing rooms with the record'),
    }),
    startLoop({
      clock,
      everyMs: ACCOUNT_CHECK_MS,
      async turn() {
        endExpired(deps, sessions)
        await findDisabled(deps, sessions)
      },
      onError: onError('looking for disabled accounts'),
    }),
    startLoop({
      clock,
      everyMs: SLOW_CHECK_MS,
      async turn() {
        await configuration.reload()
        await recheckMembers(deps, sessions)
        await rooms.recount()
        await forgetUnlogged({ db, clock })
      },
      onError: onError('comparing the service with the record'),
    }),
    keepIndex({ db, clock, onError: onError('indexing chats') }),
  ]
  const [, , , roomCheck, accountCheck, slowCheck] = loops
  for (const loop of loops) stack.push(() => loop.stop())
  stack.push(() => attention.stop())
  bus.onReconnected(() => {
    roomCheck!.wake()
    accountCheck!.wake()
    slowCheck!.wake()
  })
  const hearPool = (message: PoolMessage) => {
    attention.hear(message)
    switch (message.t) {
      case 'load-wanted':
        return reportLoad()
      case 'principal-changed':
        for (const session of sessions) if (session.signingIn) session.doubtful = true
        recheckMembers(deps, sessions, new Set(message.principals)).catch(onError('looking again who is signed in'))
        return
      case 'configuration-changed':
        configuration.reload().catch(onError('reading the configuration'))
        // A policy may have changed, and whom it holds for is not said.
        accountCheck!.wake()
    }
  }
  const unsubscribe = await bus.subscribePool(hearPool)
  stack.push(unsubscribe)
  stack.push(() => {
    stopping = true
  })
  log.info({ source: source.name, epoch: source.epoch, endpoint: config.endpoint }, 'channel service started')

  const stop = () => stack.stop()
  return { source, upgrade: accept, sessions: () => sessions.size, fenced, stop, [Symbol.asyncDispose]: stop }
}

/** Lets an HTTP server pass WebSocket upgrades under `path` to a channel service; others are refused. */
export function attachChannelService(server: Server, path: string, service: ChannelService): void {
  server.on('upgrade', (request, socket, head) => {
    // Node hands the socket over without its own listener: a client that resets it must not end the process.
    socket.on('error', () => socket.destroy())
    // Not parsed as a URL: what a stranger sends need not be one.
    const pathname = (request.url ?? '/').split('?', 1)[0]
    if (pathname === path) service.upgrade(request, socket, head)
    else socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
  })
}
