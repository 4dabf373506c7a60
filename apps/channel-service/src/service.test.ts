import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, openInlineBus } from '@hansard/bus'
import { systemClock } from '@hansard/clock'
import { decodeEvent } from '@hansard/compliance-event'
import { keySecret } from '@hansard/credentials'
import { silentLog } from '@hansard/log'
import {
  addMembers,
  createPrincipals,
  createRoom,
  findPrincipal,
  POOL_MIGRATIONS,
  poolSettings,
  type Room,
} from '@hansard/pool-store'
import { type Database, migrate, openDatabase } from '@hansard/sql'
import type { ClientMessage, ServerMessage } from '@hansard/wire'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import {
  attachChannelService,
  CHANNEL_SERVICE_DEFAULTS,
  type ChannelService,
  type ChannelServiceConfig,
  startChannelService,
} from './index.ts'

type Request = ClientMessage extends infer M ? (M extends { id: number } ? Omit<M, 'id'> : never) : never
type Reply = ServerMessage & { re?: number }

let db: Database
let bus: Bus
let open: Room
let closed: Room
let running: { service: ChannelService; server: Server; clients: Client[] }[] = []

beforeEach(async () => {
  db = openDatabase({ url: `sqlite:${join(mkdtempSync(join(tmpdir(), 'hansard-')), 'pool.db')}` })
  bus = openInlineBus()
  await migrate(db, POOL_MIGRATIONS)
  const people = ['alice', 'bob', 'carol'].map((account) => ({
    account,
    domain: 'example.com',
    displayName: account.toUpperCase(),
    role: 'participant' as const,
    secret: keySecret(`key of ${account}`),
    now: 1,
  }))
  await createPrincipals(db, people)
  open = (await createRoom(db, { name: 'open', privacy: 'open', domain: 'example.com', now: 1 })).room
  closed = (await createRoom(db, { name: 'closed', privacy: 'closed', domain: 'example.com', now: 1 })).room
  const alice = (await findPrincipal(db, { account: 'alice' }))!
  await addMembers(db, { roomId: closed.id, principalIds: [alice.id] })
})
afterEach(async () => {
  for (const { service, server } of running) {
    await service.stop()
    server.closeAllConnections()
    server.close()
  }
  running = []
  await bus.close()
  await db.close()
})

async function start(overrides: Partial<ChannelServiceConfig> = {}) {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/channel`
  const { signingKey } = await poolSettings(db, { pool: 'test', domain: 'example.com' })
  const config = { ...CHANNEL_SERVICE_DEFAULTS, name: `channel-${running.length + 1}`, endpoint, ...overrides }
  const service = await startChannelService(config, { db, bus, clock: systemClock, log: silentLog, signingKey })
  attachChannelService(server, '/channel', service)
  const entry = { service, server, clients: [] as Client[] }
  running.push(entry)
  return { ...entry, endpoint, connect: (account?: string) => connect(endpoint, account) }
}

type Client = Awaited<ReturnType<typeof connect>>
async function connect(endpoint: string, account?: string) {
  const ws = new WebSocket(endpoint)
  const replies = new Map<number, (reply: Reply) => void>()
  const pushed: Reply[] = []
  const waiting: (() => void)[] = []
  let id = 0
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
    post: (room: Room, text: string, post = text.replaceAll(' ', '-')) =>
      client.ask({ t: 'post', room: room.uri, post, text }),
  }
  if (account) await client.ask({ t: 'sign-in', account, password: `key of ${account}` })
  return client
}

const events = async () => {
  const rows: { body: string }[] = await db.knex('outbox').orderBy(['source', 'epoch', 'seq'])
  return rows.map((row) => decodeEvent(row.body))
}

it('hands a chat to everybody in the room, in the order of the record, and to nobody else', async () => {
  const { connect } = await start()
  const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(connect))
  await alice!.ask({ t: 'join', room: open.uri })
  await bob!.ask({ t: 'join', room: open.uri })

  const posts = Array.from({ length: 200 }, (_, n) => (n % 2 ? alice! : bob!).post(open, `chat ${n}`))
  const answers = await Promise.all(posts)
  await alice!.until(() => alice!.chats().length === 200)
  await bob!.until(() => bob!.chats().length === 200)

  expect(answers.every((answer) => answer.t === 'posted')).toBe(true)
  expect(alice!.chats().map(([id]) => id)).toEqual(Array.from({ length: 200 }, (_, n) => n + 1))
  expect(alice!.chats()).toEqual(bob!.chats())
  expect(carol!.chats()).toEqual([])
  expect((await events()).filter((e) => e.kind === 'chat').map((e) => [e.chatId, e.content])).toEqual(alice!.chats())
})

it('gives somebody who comes back exactly what they missed, then live talk', async () => {
  const { connect } = await start({ limits: { ...CHANNEL_SERVICE_DEFAULTS.limits, postsInFlightMax: 1_000 } })
  const alice = await connect('alice')
  const bob = await connect('bob')
  await alice.ask({ t: 'join', room: open.uri })
  for (let n = 1; n <= 450; n += 1) void alice.post(open, `early ${n}`)
  await alice.until(() => alice.chats().length === 450)

  const joined = bob.ask({ t: 'join', room: open.uri, after: 7 })
  for (let n = 451; n <= 700; n += 1) void alice.post(open, `later ${n}`)
  expect(await joined).toMatchObject({ t: 'joined' })
  await bob.until(() => bob.chats().length >= 693)
  await alice.until(() => alice.chats().length >= 700)

  expect(bob.chats()).toEqual(alice.chats().slice(7))
})

it('shares a room between two services, and heals what the bus drops', async () => {
  const dropping: Bus = {
    ...bus,
    publish: (m) => (m.t === 'chats' && m.chats[0]!.id % 3 === 0 ? undefined : bus.publish(m)),
  }
  const real = bus
  bus = dropping
  const one = await start()
  const two = await start()
  bus = real
  const alice = await one.connect('alice')
  const bob = await two.connect('bob')
  await alice.ask({ t: 'join', room: open.uri })
  await bob.ask({ t: 'join', room: open.uri })

  for (let n = 1; n <= 60; n += 1) await (n % 2 ? alice : bob).post(open, `chat ${n}`)
  await alice.until(() => alice.chats().length >= 60)
  await bob.until(() => bob.chats().length >= 60)

  expect(alice.chats().map(([id]) => id)).toEqual(Array.from({ length: 60 }, (_, n) => n + 1))
  expect(bob.chats()).toEqual(alice.chats())
})

it('records a look at history before it shows the page', async () => {
  const { connect } = await start()
  const alice = await connect('alice')
  await alice.ask({ t: 'join', room: open.uri })
  for (let n = 1; n <= 40; n += 1) await alice.post(open, `chat ${n}`)

  const newest = await alice.ask({ t: 'history', room: open.uri })
  const older = await alice.ask({ t: 'history', room: open.uri, before: 11, limit: 50 })

  expect(
    newest.t === 'history' && [newest.chats.length, newest.chats[0]!.chat, newest.chats.at(-1)!.chat, newest.more],
  ).toEqual([30, 11, 40, true])
  expect(
    older.t === 'history' && [older.chats.length, older.chats[0]!.chat, older.chats.at(-1)!.chat, older.more],
  ).toEqual([10, 1, 10, false])
  expect((await events()).filter((e) => e.kind === 'backchat').map((e) => [e.firstChatId, e.lastChatId])).toEqual([
    [11, 40],
    [1, 10],
  ])
})

it('does not tell a closed room from one that does not exist', async () => {
  const { connect } = await start()
  const alice = await connect('alice')
  const bob = await connect('bob')
  const missing = { t: 'join', room: 'ma-chan://example.com/00000000-0000-0000-0000-000000000000' } as const
  const refusal = await bob.ask({ t: 'join', room: closed.uri })

  expect(await alice.ask({ t: 'join', room: closed.uri })).toMatchObject({ t: 'joined' })
  expect(refusal).toEqual({ ...(await bob.ask(missing)), re: refusal.re })
  const rooms = await bob.ask({ t: 'rooms' })
  expect(rooms.t === 'rooms' && rooms.rooms.map((room) => room.name)).toEqual(['open'])
})

it('answers every broken frame with a named error and goes on', async () => {
  const { connect } = await start()
  const alice = await connect('alice')
  const stranger = await connect()
  const broken: [string | Buffer, string][] = [
    ['not json', 'malformed'],
    ['[]', 'malformed'],
    ['null', 'malformed'],
    ['{"t":"fly","id":1001}', 'unknown-message'],
    ['{"t":"post","id":-1}', 'malformed'],
    ['{"t":"post","id":1004,"room":"x","post":"a b","text":"t"}', 'malformed'],
    ['{"t":"join","id":1005,"room":"x","extra":1}', 'malformed'],
    [Buffer.from([1, 2, 3]), 'malformed'],
    [`{"t":"post","id":1006,"room":${JSON.stringify(open.uri)},"post":"p","text":"not joined"}`, 'not-joined'],
  ]
  for (const [frame, code] of broken) {
    const before = alice.pushed.length
    alice.raw(frame)
    await alice.until(() => alice.pushed.length > before)
    expect(alice.pushed.at(-1), String(frame)).toMatchObject({ t: 'refused', code })
  }
  expect(await stranger.ask({ t: 'rooms' })).toMatchObject({ t: 'refused', code: 'not-signed-in' })
  expect(await stranger.ask({ t: 'sign-in', account: 'alice', password: 'wrong' })).toMatchObject({
    code: 'wrong-credentials',
  })
  expect(await stranger.ask({ t: 'sign-in', account: 'nobody', password: 'wrong' })).toMatchObject({
    code: 'wrong-credentials',
  })
  expect(await alice.ask({ t: 'ping' })).toMatchObject({ t: 'pong' })
})

it('outlives upgrades that are no URLs, go elsewhere or are reset half-way', async () => {
  const { connect, endpoint } = await start()
  const { hostname, port } = new URL(endpoint)
  for (const path of ['//', '/elsewhere', 'http://[', '/channel/../x']) {
    const socket = connectTcp({ host: hostname, port: Number(port) })
    await once(socket, 'connect')
    const headers =
      'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`)
    await once(socket, 'data')
    socket.on('error', () => {})
    socket.resetAndDestroy()
  }
  const alice = await connect('alice')
  expect(await alice.ask({ t: 'ping' })).toMatchObject({ t: 'pong' })
})

it('never changes who a session is, however its sign-ins overtake each other', async () => {
  const { connect } = await start()
  const client = await connect()
  const first = client.ask({ t: 'sign-in', account: 'alice', password: 'key of alice' })
  const second = client.ask({ t: 'sign-in', token: 'stale' })
  expect(await second).toMatchObject({ code: 'already-signed-in' })
  expect(await first).toMatchObject({ t: 'signed-in', principal: { name: 'ALICE' } })
  expect(await client.ask({ t: 'sign-in', account: 'bob', password: 'key of bob' })).toMatchObject({
    code: 'already-signed-in',
  })
  expect(await client.ask({ t: 'join', room: closed.uri })).toMatchObject({ t: 'joined' })
})

it('refuses a chat that is too long, counted in bytes', async () => {
  const { connect } = await start({ limits: { ...CHANNEL_SERVICE_DEFAULTS.limits, chatBytesMax: 100 } })
  const alice = await connect('alice')
  await alice.ask({ t: 'join', room: open.uri })
  expect(await alice.post(open, 'ä'.repeat(50), 'a')).toMatchObject({ t: 'posted' })
  expect(await alice.post(open, 'ä'.repeat(51), 'b')).toMatchObject({ t: 'refused', code: 'too-long' })
})

it('cuts off a client that does not read, and serves the others', async () => {
  const { connect } = await start({ sessionBufferMax: 200_000 })
  const [alice, sleeper] = await Promise.all(['alice', 'bob'].map(connect))
  await alice!.ask({ t: 'join', room: open.uri })
  await sleeper!.ask({ t: 'join', room: open.uri })
  sleeper!.ws.pause()
  const gone = once(sleeper!.ws, 'close')

  for (let n = 0; n < 400; n += 1) await alice!.post(open, `${n} ${'x'.repeat(60_000)}`, `p${n}`)
  await alice!.until(() => alice!.chats().length === 400)
  sleeper!.ws.resume()
  await gone
  await alice!.until(() => alice!.pushed.some((m) => m.t === 'participant-parted'))

  expect((await events()).findLast((e) => e.kind === 'part')).toMatchObject({ reason: 'disconnected' })
})

it('records everybody’s departure when it stops, and those a predecessor left behind when it starts', async () => {
  const first = await start({ name: 'channel' })
  const alice = await first.connect('alice')
  await alice.ask({ t: 'join', room: open.uri })
  const second = await start({ name: 'channel' })
  expect(await first.service.fenced).toBeInstanceOf(Error)
  const bob = await second.connect('bob')
  await bob.ask({ t: 'join', room: open.uri })
  await second.service.stop()

  const parts = (await events()).filter((e) => e.kind === 'part')
  expect(parts.map((e) => [e.principal.name, e.kind === 'part' && e.reason])).toEqual([
    ['ALICE', 'orphaned'],
    ['BOB', 'stopped'],
  ])
  expect(await db.knex('participant')).toEqual([])
})
