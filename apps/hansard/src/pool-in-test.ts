import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, openInlineBus } from '@hansard/bus'
import {
  CHANNEL_SERVICE_DEFAULTS,
  type ChannelService,
  type ChannelServiceConfig,
  startChannelService,
} from '@hansard/channel-service'
import { type ConnectOptions, connect, type OpenSocket, type PoolClient } from '@hansard/client'
import { systemClock } from '@hansard/clock'
import { type ComplianceEvent, decodeEvent } from '@hansard/compliance-event'
import { keySecret, newKey } from '@hansard/credentials'
import { createHttpServer, HTTP_DEFAULTS } from '@hansard/http'
import { stopOnce } from '@hansard/lifecycle'
import { silentLog } from '@hansard/log'
import { LOOKUP_SERVICE_DEFAULTS, startLookupService } from '@hansard/lookup-service'
import { createPoolCommands, DEFAULT_CATEGORY, poolActor } from '@hansard/pool-commands'
import {
  createPrincipals,
  createRecordWriter,
  openTokenKeys,
  POOL_MIGRATIONS,
  poolSettings,
  type StoredPoolSettings,
  startSource,
  stopSource,
} from '@hansard/pool-store'
import { type Database, migrate, openDatabase } from '@hansard/sql'
import { freePort } from '@hansard/test-servers'
import { wsSocket } from './cli/ws-socket.ts'

/** A lookup service and a channel service over real sockets, whose connections a test can break. */
type TalkPool = AsyncDisposable & {
  readonly server: string
  readonly room: string
  /** Clients that come to this pool over sockets the test can cut. */
  signIn(account: string, options?: Partial<ConnectOptions>): Promise<PoolClient>
  /** What each socket opened by `signIn` does to its traffic. */
  readonly wire: Wire
  /** Ends the channel service as an operator would, and starts its successor. */
  restartChannelService(): Promise<void>
  /** Everything on record in the room, in its order. */
  record(): Promise<ComplianceEvent[]>
}

type Wire = {
  /** Cuts every connection, without a word. */
  cut(): void
  /** Called for every frame; false swallows it. */
  incoming: (frame: string) => boolean
  outgoing: (frame: string) => boolean
}

const PASSWORD = newKey()

export async function startTalkPool({
  administrators = [],
  chatHistory = true,
  ...overrides
}: Partial<ChannelServiceConfig> & {
  administrators?: readonly string[]
  chatHistory?: boolean
} = {}): Promise<TalkPool> {
  const stack = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'hansard-'))
  stack.defer(() => rmSync(directory, { recursive: true, force: true }))
  const db = openDatabase({ url: `sqlite:${join(directory, 'pool.db')}` })
  stack.defer(() => db.close())
  await migrate(db, POOL_MIGRATIONS)
  const settings = await poolSettings(db, { pool: 'test', domain: 'example.com' })
  const principals = ['alice', 'bob', 'carol'].map((account) => ({
    account,
    domain: 'example.com',
    displayName: account,
    secret: keySecret(PASSWORD),
    roles: administrators.includes(account) ? (['administrator'] as const) : [],
    now: 1,
  }))
  await createPrincipals(db.knex, principals)
  const bus = openInlineBus()
  stack.defer(() => bus.close())
  const room = await makeRoom({ db, bus, settings }, chatHistory)
  const source = { file: join(directory, 'token-keys.json') }
  const tokenKeys = await openTokenKeys({ db, clock: systemClock, source })
  const http = { ...HTTP_DEFAULTS, host: '127.0.0.1', port: await freePort() }
  const httpServer = await createHttpServer(http, { clock: systemClock, log: silentLog, forceCloseConnections: true })
  stack.defer(() => httpServer.stop())
  const { app } = httpServer
  let channel: ChannelService
  const server = `http://127.0.0.1:${http.port}`
  const lookupConfig = { ...LOOKUP_SERVICE_DEFAULTS, url: server, adminUrl: undefined }
  const lookup = await startLookupService(lookupConfig, {
    app,
    db,
    bus,
    clock: systemClock,
    log: silentLog,
    tokenKeys,
    settings,
    version: '0',
  })
  stack.defer(() => lookup.stop())
  httpServer.takeUpgrades((request, socket, head) => channel.upgrade(request, socket, head))
  await httpServer.listen()

  const startChannel = async () => {
    const endpoint = `${server.replace('http', 'ws')}/channel`
    const config = { ...CHANNEL_SERVICE_DEFAULTS, name: 'channel-1', endpoint, ...overrides }
    channel = await startChannelService(config, { db, bus, clock: systemClock, log: silentLog, settings, tokenKeys })
  }
  await startChannel()
  stack.defer(() => channel.stop())

  const drops = new Set<() => void>()
  const wire: Wire = {
    cut: () => {
      for (const drop of [...drops]) drop()
    },
    incoming: () => true,
    outgoing: () => true,
  }
  const openSocket: OpenSocket = (url, events) => {
    const socket = wsSocket(url, {
      open: events.open,
      message: (frame) => {
        if (drops.has(socket.drop) && wire.incoming(frame)) events.message(frame)
      },
      closed(reason) {
        drops.delete(socket.drop)
        events.closed(reason)
      },
    })
    drops.add(socket.drop)
    return {
      ...socket,
      send: (frame) => {
        if (wire.outgoing(frame)) socket.send(frame)
      },
    }
  }
  const clients: PoolClient[] = []
  stack.defer(async () => {
    await Promise.all(clients.map((client) => client.close()))
  })

  return {
    server,
    room: room.uri,
    wire,
    async signIn(account, options = {}) {
      const backoff = { delayMs: 10, delayMaxMs: 40 }
      const client = await connect({ server, account, password: PASSWORD, openSocket, backoff, ...options })
      clients.push(client)
      return client
    },
    async restartChannelService() {
      await channel.stop()
      await startChannel()
    },
    async record() {
      const rows: { body: string }[] = await db.knex('outbox').select('body')
      const events = rows.map(({ body }) => decodeEvent(body)).filter((event) => event.room.uri === room.uri)
      return events.sort((a, b) => a.room.seq - b.room.seq)
    },
    [Symbol.asyncDispose]: stopOnce(stack),
  }
}

/** An open room in the default category, made by the pool itself. */
async function makeRoom(
  { db, bus, settings: { domain, poolRoomId } }: { db: Database; bus: Bus; settings: StoredPoolSettings },
  chatHistory: boolean,
): Promise<{ uri: string }> {
  const source = await startSource(db, { name: 'test', endpoint: 'test:', now: systemClock.now() })
  const writer = createRecordWriter({ db, clock: systemClock, source, place: { pool: 'test' } })
  const from = `${source.name}/${source.epoch}`
  const commands = createPoolCommands({ db, writer, bus, from, domain, poolRoomId })
  await commands.preparePool()
  await commands.changeCategory(poolActor(domain), { category: DEFAULT_CATEGORY, chatHistory })
  const room = { name: 'desk', category: DEFAULT_CATEGORY, privacy: 'open' as const }
  const made = await commands.createRoom(poolActor(domain), room)
  await writer.stop()
  await stopSource(db, { ...source, now: systemClock.now() })
  if (!made.ok) throw new Error(made.message)
  return made.value
}
