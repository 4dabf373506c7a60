import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, openInlineBus, openRedisBus } from '@hansard/bus'
import { type Clock, systemClock } from '@hansard/clock'
import { decodeEvent } from '@hansard/compliance-event'
import { formatTokenKeys, keySecret, newTokenKeys } from '@hansard/credentials'
import type { HttpServer } from '@hansard/http'
import { silentLog } from '@hansard/log'
import {
  createPrincipals,
  createRecordWriter,
  findPrincipal,
  findRoom,
  openTokenKeys,
  POOL_MIGRATIONS,
  type Principal,
  poolSettings,
  type RecordWriter,
  type Room,
  startSource,
} from '@hansard/pool-store'
import { domainUri, newCategoryUri, newRoomUri, type RoomPrivacy, type RoomRole } from '@hansard/rooms'
import { type Database, type Dialect, type Knex, migrate, openDatabase } from '@hansard/sql'
import { copyOfTemplate, sharePostgres, shareRedis, template } from '@hansard/test-servers'
import type { ClientMessage, ServerMessage } from '@hansard/wire'
import { WebSocket } from 'ws'
import {
  attachChannelService,
  CHANNEL_SERVICE_DEFAULTS,
  type ChannelServiceConfig,
  startChannelService,
} from './index.ts'

type Request = ClientMessage extends infer M ? (M extends { id: number } ? Omit<M, 'id'> : never) : never
export type Reply = ServerMessage & { re?: number }
const DOMAIN = 'example.com'
const POOL = template('pool', openDatabase, (db) => migrate(db, POOL_MIGRATIONS))

/** A pool whose channel services run in this process: on SQLite with an in-process bus, or on PostgreSQL and Redis. */
export async function openPoolInTest(dialect: Dialect) {
  const servers = dialect === 'postgres' ? await Promise.all([sharePostgres(), shareRedis()]) : undefined
  const url = servers
    ? await servers[0].createDatabase('pool', POOL)
    : await copyOfTemplate(POOL, join(mkdtempSync(join(tmpdir(), 'hansard-')), 'pool.db'))
  const opened: { close(): Promise<void> }[] = []
  const db = openDatabase({ url })
  const settings = await poolSettings(db, { pool: 'test', domain: DOMAIN })
  const keySource = { text: formatTokenKeys(newTokenKeys()), named: 'the test' }
  const tokenKeys = await openTokenKeys({ db, clock: systemClock, source: keySource })
  const inline = openInlineBus()
  opened.push(inline)
  const openBus = (): Bus => {
    if (!servers) return inline
    const bus = openRedisBus({ redisUrl: servers[1].url, log: silentLog, pool: servers[1].pool })
    opened.push(bus)
    return bus
  }
  const source = await startSource(db, { name: 'changes', endpoint: '', now: 1 })
  const writer: RecordWriter = createRecordWriter({ db, clock: systemClock, source, place: { pool: 'test' } })
  const categoryId = await addCategory(db, 'General', {})
  const running: { stop(): Promise<void>; server: Server }[] = []

  const pool = {
    db,
    url,
    tokenKeys,
    settings,
    writer,
    openBus,
    async person(account: string): Promise<Principal> {
      await createPrincipals(db.knex, [
        { account, domain: DOMAIN, displayName: account.toUpperCase(), secret: keySecret(keyOf(account)), now: 1 },
      ])
      return (await findPrincipal(db, { account }))!
    },
    addCategory: (name: string, options: CategoryInTest) => addCategory(db, name, options),
    async room(name: string, privacy: RoomPrivacy, more: { category?: number; type?: string } = {}): Promise<Room> {
      const [row]: { id: number }[] = await db
        .knex('room')
        .insert({
          uri: newRoomUri(DOMAIN),
          name,
          privacy,
          type: more.type ?? 'normal',
          category_id: more.category ?? categoryId,
          created_at: 1,
        })
        .returning('id')
      return (await findRoom(db, { id: row!.id }))!
    },
    /** Changes a room without the services: increments its rights version and sends no hint. */
    change: (room: Room, work: (tx: Knex.Transaction) => Promise<unknown>) =>
      writer.change(async (tx) => {
        await work(tx)
        return { events: [], rights: [room.id], result: undefined }
      }),
    grant: (room: Room, who: Principal, role: RoomRole = 'member') =>
      pool.change(room, (tx) => tx('room_role').insert({ room_id: room.id, principal_id: who.id, role })),
    revoke: (room: Room, who: Principal, role: RoomRole = 'member') =>
      pool.change(room, (tx) => tx('room_role').where({ room_id: room.id, principal_id: who.id, role }).delete()),
    async start(overrides: Partial<ChannelServiceConfig> = {}, deps: { bus?: Bus; db?: Database; clock?: Clock } = {}) {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const endpoint = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/channel`
      const config = { ...CHANNEL_SERVICE_DEFAULTS, name: `channel-${running.length + 1}`, endpoint, ...overrides }
      const own = { db, bus: openBus(), clock: systemClock, ...deps }
      const service = await startChannelService(config, { ...own, log: silentLog, settings, tokenKeys })
      const door = {
        takeUpgrades: (take: Parameters<HttpServer['takeUpgrades']>[0]) =>
          void server.on('upgrade', (request, socket, head) => {
            socket.on('error', () => socket.destroy())
            take(request, socket, head)
          }),
        remoteOf: (request: IncomingMessage) => request.socket.remoteAddress ?? 'unknown',
      }
      attachChannelService(door, '/channel', service)
      running.push({ stop: service.stop, server })
      return { service, server, endpoint, connect: (account?: string) => connect(endpoint, account) }
    },
    /** What is on record, sign-ins left out. */
    async events() {
      const rows: { body: string }[] = await db.knex('outbox').orderBy(['source', 'epoch', 'seq'])
      return rows.map((row) => decodeEvent(row.body)).filter((event) => !('account' in event))
    },
    async signIns() {
      const rows: { body: string }[] = await db.knex('outbox').orderBy(['source', 'epoch', 'seq'])
      return rows.map((row) => decodeEvent(row.body)).filter((event) => 'account' in event)
    },
    async close() {
      for (const { stop, server } of running) {
        await stop()
        server.closeAllConnections()
        server.close()
      }
      await writer.stop()
      for (const each of opened) await each.close()
      await db.close()
      for (const server of servers ?? []) await server.stop()
    },
  }
  return pool
}
export type PoolInTest = Awaited<ReturnType<typeof openPoolInTest>>

type CategoryInTest = { readonly chatHistory?: boolean; readonly allowed?: readonly number[] }

/** A user's key in tests: formatted like a generated one, but known. */
export function keyOf(account: string): string {
  return Buffer.from(account.padEnd(32, '.')).subarray(0, 32).toString('base64url')
}

async function addCategory(
  db: Database,
  name: string,
  { chatHistory = true, allowed }: CategoryInTest,
): Promise<number> {
  const [row]: { id: number }[] = await db
    .knex('category')
    .insert({ uri: newCategoryUri(DOMAIN), name, chat_history: chatHistory, created_at: 1 })
    .returning('id')
  const scope = allowed ?? [await domainId(db)]
  for (const id of scope)
    await db.knex('category_scope').insert({ category_id: row!.id, principal_id: id, list: 'allowed' })
  return row!.id
}

async function domainId(db: Database): Promise<number> {
  const uri = domainUri(DOMAIN)
  const known: { id: number } | undefined = await db.knex('principal').where({ uri }).first('id')
  if (known) return known.id
  const [row]: { id: number }[] = await db
    .knex('principal')
    .insert({
      account: uri,
      uri,
      display_name: DOMAIN,
      internal: true,
      type: 'domain',
      domain: DOMAIN,
      secret: '',
      created_at: 1,
    })
    .returning('id')
  return row!.id
}

export type Client = Awaited<ReturnType<typeof connect>>

export async function connect(endpoint: string, account?: string) {
  const ws = new WebSocket(endpoint)
  const replies = new Map<number, (reply: Reply) => void>()
  const pushed: Reply[] = []
  const waiting: (() => void)[] = []
  let id = 0
  const closed = once(ws, 'close').then(([code, reason]) => ({ code: Number(code), reason: String(reason) }))
  ws.on('message', (data) => {
    const message = JSON.parse(String(data)) as Reply
    if (message.re !== undefined && replies.has(message.re)) replies.get(message.re)!(message)
    else pushed.push(message)
    for (const wake of waiting.splice(0)) wake()
  })
  ws.on('close', () => {
    for (const wake of waiting.splice(0)) wake()
  })
  await once(ws, 'open')
  const client = {
    ws,
    pushed,
    closed,
    chats: () => pushed.filter((m) => m.t === 'chat').map((m) => [m.chat, m.text] as const),
    raw: (text: string | Buffer) => ws.send(text),
    ask: (request: Request) =>
      new Promise<Reply>((resolve) => {
        id += 1
        replies.set(id, resolve)
        ws.send(JSON.stringify({ ...request, id }))
      }),
    async until(condition: () => boolean) {
      while (!condition()) {
        if (ws.readyState === WebSocket.CLOSED) throw new Error('The connection was closed.')
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
    /** The next push of this kind, or the first one received. */
    async told<T extends Reply['t']>(t: T): Promise<Extract<Reply, { t: T }>> {
      await client.until(() => pushed.some((message) => message.t === t))
      return pushed.find((message) => message.t === t) as Extract<Reply, { t: T }>
    },
    post: (room: Room, text: string, post = text.replaceAll(' ', '-')) =>
      client.ask({ t: 'post', room: room.uri, post, text }),
  }
  if (account) await client.ask({ t: 'sign-in', account, password: keyOf(account) })
  return client
}
