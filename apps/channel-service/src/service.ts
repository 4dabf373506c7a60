import { type Bus, type BusMessage, isRoomMessage } from '@hansard/bus'
import type { Clock } from '@hansard/clock'
import { type Service, stopOnce } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import { createPoolCommands } from '@hansard/pool-commands'
import {
  createRecordWriter,
  createSignIn,
  createSignInRecord,
  logClock,
  requireRightClock,
  type Source,
  SourceFenced,
  type StoredPoolSettings,
  startSource,
  stopSource,
  type TokenKeys,
} from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import { createAttention } from './attention/attention.ts'
import { startBackgroundLoops } from './background/background-loops.ts'
import { hearPool } from './background/hear-pool.ts'
import { readLiveConfiguration } from './background/live-configuration.ts'
import { createLiveness } from './background/liveness.ts'
import type { ChannelServiceConfig } from './config.ts'
import { openDoor, type Upgrade } from './delivery/accept-connection.ts'
import { createConnections } from './delivery/connections.ts'
import { createOutgoing, type Outgoing } from './delivery/frames.ts'
import { createEvict } from './departures/evict.ts'
import { createRecordPart } from './departures/record-departures.ts'
import type { ChannelServiceDeps } from './deps.ts'
import { createByteLimits } from './requests/byte-limits.ts'
import { createRequestsUnderWay } from './requests/limits.ts'
import { createDelivery } from './rooms/deliver.ts'
import { createRoomsInService } from './rooms/rooms-in-service.ts'

export type ChannelService = Service & {
  readonly source: { readonly name: string; readonly epoch: number }
  /** Takes over a WebSocket upgrade. The caller has matched the path, and knows the client's address behind a proxy. */
  readonly upgrade: Upgrade
  sessions(): number
  /** Resolves, with the reason, when a successor has fenced this instance: its process should end. */
  readonly fenced: Promise<Error>
}

/** Passed to the service, which closes none of it. */
type Given = { db: Database; bus: Bus; clock: Clock; log: Log; settings: StoredPoolSettings; tokenKeys: TokenKeys }

/**
 * The channel service: rooms over WebSocket.
 *
 * Starting takes a new epoch of the source's name, which ends the predecessor, and then records the departures that
 * the predecessor could not record. Stopping records the departure of every participant before the source is marked
 * stopped, so that a properly stopped service leaves no orphans.
 */
export async function startChannelService(config: ChannelServiceConfig, given: Given): Promise<ChannelService> {
  const { db, bus, clock, log } = given
  const stack = new AsyncDisposableStack()
  await requireRightClock(db, clock, { boundMs: config.clockBoundMs, statedTime: config.clockRightAt })
  const source = await startSource(db, { name: config.name, endpoint: config.endpoint, now: clock.now() })
  const onError = (doing: string) => (error: unknown) => log.warn({ err: error }, `${doing} failed; trying again`)
  // A change made by this service takes effect here at once, whether or not the bus is up.
  const hear = (message: BusMessage) => {
    if (isRoomMessage(message)) deps.rooms.hear(message)
    else hearPool(deps, message, { source, loops, onError })
  }
  const outgoing = createOutgoing()
  const { deps, fenced } = await createDeps(config, given, { source, outgoing, hear, onError })
  const { writer, connections, attention } = deps
  stack.defer(() => stopSource(db, { ...source, now: clock.now() }))
  stack.defer(() => writer.stop())
  stack.defer(() => deps.signIn.record.stop())
  await deps.commands.preparePool()

  const door = openDoor(deps, { outgoing, log, name: source.name })
  stack.defer(() => {
    deps.delivery.stop()
    deps.rooms.stop()
  })
  stack.defer(() => door.dismissAll())
  const loops = startBackgroundLoops(deps, { source, log, onError })
  for (const loop of Object.values(loops)) stack.defer(() => loop.stop())
  stack.defer(() => attention.stop())
  bus.onReconnected(() => {
    loops.rooms.wake()
    loops.accounts.wake()
    loops.recheck.wake()
  })
  stack.defer(await bus.subscribePool((message) => hearPool(deps, message, { source, loops, onError })))
  stack.defer(() => {
    door.close()
    // First stop new assignments, then disconnect the sessions.
    bus.publish({ t: 'gone', service: source.name })
  })
  log.info({ source: source.name, epoch: source.epoch, endpoint: config.endpoint }, 'channel service started')

  const { upgrade } = door
  const stop = stopOnce(stack)
  return { source, upgrade, sessions: () => connections.all.size, fenced, stop, [Symbol.asyncDispose]: stop }
}

async function createDeps(
  config: ChannelServiceConfig,
  { db, bus, clock, log, settings, tokenKeys }: Given,
  options: {
    source: Source
    outgoing: Outgoing
    hear: (message: BusMessage) => void
    onError: (doing: string) => (error: unknown) => void
  },
): Promise<{ deps: ChannelServiceDeps; fenced: Promise<Error> }> {
  const { source, outgoing, hear, onError } = options
  const instance = `${source.name}/${source.epoch}`
  const place = { pool: settings.pool, site: config.site }
  const connections = createConnections(config)
  const delivery = createDelivery({ bus, service: instance, outgoing })
  const configuration = await readLiveConfiguration(db, {
    service: config.name,
    site: config.site,
    overrides: config.limits,
  })
  const attention = createAttention({ db, bus, clock, onError: onError('sending notices of new chats') })
  const liveness = createLiveness({ clock, declareDeadAfterMs: config.declareDeadAfterMs })
  const fenced = Promise.withResolvers<Error>()
  const writer = createRecordWriter({
    db,
    clock,
    source,
    place,
    clockBoundMs: config.clockBoundMs,
    onClock: logClock(log),
    onCommit: liveness.confirm,
    onBatch: () => delivery.endOfBatch(),
    onFailure(error) {
      if (!(error instanceof SourceFenced)) return log.warn({ err: error }, 'a batch could not be recorded')
      log.error({ err: error }, 'fenced by a successor; stopping')
      for (const session of connections.all) session.close(1012, 'this service has been replaced')
      fenced.resolve(error)
    },
  })
  const recordPart = createRecordPart({ writer, clock })
  const rooms = createRoomsInService({
    db,
    bus,
    place,
    source,
    confirmedAlive: liveness.confirmedAlive,
    participantUpdateLimit: () => configuration.limits.participantUpdateLimit,
    evict: createEvict(() => ({ rooms, recordPart })),
    feeds: attention.feeds,
    onError: onError('checking the members of a room'),
  })
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
  const deps: ChannelServiceDeps = {
    db,
    settings,
    commands,
    clock,
    bus,
    writer,
    signIn: createSignIn({
      db,
      clock,
      tokenKeys,
      record: createSignInRecord({
        writer,
        dialect: db.dialect,
        clock,
        log,
        service: config.name,
        pool: { domain: settings.domain, poolRoomId: settings.poolRoomId },
      }),
    }),
    rooms,
    config,
    configuration,
    recordPart,
    delivery,
    attention,
    requests: createRequestsUnderWay(),
    byteLimits: createByteLimits({
      clock,
      perSession: config.bytesPerSecond,
      perAccount: config.accountBytesPerSecond,
    }),
    connections,
  }
  return { deps, fenced: fenced.promise }
}
