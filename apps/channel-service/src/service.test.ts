import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import type { Bus } from '@hansard/bus'
import type { Room } from '@hansard/pool-store'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ChannelServiceConfig } from './index.ts'
import { keyOf, openPoolInTest, type PoolInTest } from './service-in-test.ts'

let pool: PoolInTest
let open: Room
let closed: Room

beforeEach(async () => {
  pool = await openPoolInTest('sqlite')
  const alice = await pool.person('alice')
  await pool.person('bob')
  await pool.person('carol')
  open = await pool.room('open', 'open')
  closed = await pool.room('closed', 'closed')
  await pool.grant(closed, alice)
})
afterEach(() => pool.close())

const start = (overrides: Partial<ChannelServiceConfig> = {}, deps: { bus?: Bus } = {}) => pool.start(overrides, deps)
const events = () => pool.events()

it('delivers a chat to everybody in the room, in the order of the record, and to nobody else', async () => {
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

it('sends a returning user exactly the missed chats, then live ones', async () => {
  const { connect } = await start({ limits: { postsInFlightMax: 1_000 } })
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

it('shares a room between two services, and recovers what the bus drops', async () => {
  const real = pool.openBus()
  const bus: Bus = {
    ...real,
    publish: (m) => (m.t === 'chats' && m.chats[0]!.id % 3 === 0 ? undefined : real.publish(m)),
  }
  const one = await start({}, { bus })
  const two = await start({}, { bus })
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

it('records a read of history before it shows the page', async () => {
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

it('answers for a secret room as for one that does not exist', async () => {
  const { connect } = await start()
  const alice = await connect('alice')
  const bob = await connect('bob')
  const missing = { t: 'join', room: 'ma-chan://example.com/00000000-0000-0000-0000-000000000000' } as const
  const secret = await pool.room('secret', 'secret')
  await pool.grant(secret, await pool.person('alice'))
  expect(await bob.ask({ t: 'join', room: closed.uri })).toMatchObject({ code: 'not-a-member' })
  const refusal = await bob.ask({ t: 'join', room: secret.uri })

  expect(await alice.ask({ t: 'join', room: secret.uri })).toMatchObject({ t: 'joined' })
  expect(refusal).toEqual({ ...(await bob.ask(missing)), re: refusal.re })
  const rooms = await bob.ask({ t: 'rooms' })
  expect(rooms.t === 'rooms' && rooms.rooms.map((room) => room.name)).toEqual(['open'])
})

it('answers every broken frame with a named error and continues', async () => {
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

it('survives upgrades with malformed URLs, to other paths, or reset half-way', async () => {
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

it('never changes a session’s principal, however its sign-ins overtake each other', async () => {
  const { connect } = await start()
  const client = await connect()
  const first = client.ask({ t: 'sign-in', account: 'alice', password: keyOf('alice') })
  const second = client.ask({ t: 'sign-in', token: 'stale' })
  expect(await second).toMatchObject({ code: 'already-signed-in' })
  expect(await first).toMatchObject({ t: 'signed-in', principal: { name: 'ALICE' } })
  expect(await client.ask({ t: 'sign-in', account: 'bob', password: keyOf('bob') })).toMatchObject({
    code: 'already-signed-in',
  })
  expect(await client.ask({ t: 'join', room: closed.uri })).toMatchObject({ t: 'joined' })
})

it('refuses a chat that is too long, counted in bytes', async () => {
  const { connect } = await start({ limits: { chatBytesMax: 100 } })
  const alice = await connect('alice')
  await alice.ask({ t: 'join', room: open.uri })
  expect(await alice.post(open, 'ä'.repeat(50), 'a')).toMatchObject({ t: 'posted' })
  expect(await alice.post(open, 'ä'.repeat(51), 'b')).toMatchObject({ t: 'refused', code: 'too-long' })
})

it('disconnects a client that does not read, and serves the others', async () => {
  const { connect } = await start({
    sessionBufferMax: 200_000,
    bytesPerSecond: 1_000_000_000,
    accountBytesPerSecond: 1_000_000_000,
    limits: { chatBytesMax: 65_536 },
  })
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

it('records all departures when it stops, and those a predecessor left behind when it starts', async () => {
  const first = await start({ name: 'channel' })
  const alice = await first.connect('alice')
  await alice.ask({ t: 'join', room: open.uri })
  const second = await start({ name: 'channel' })
  expect(await first.service.fenced).toBeInstanceOf(Error)
  const bob = await second.connect('bob')
  await bob.ask({ t: 'join', room: open.uri })
  await second.service.stop()

  const deps = (await events()).filter((e) => e.kind === 'part')
  expect(deps.map((e) => [e.principal.name, e.kind === 'part' && e.reason])).toEqual([
    ['ALICE', 'orphaned'],
    ['BOB', 'stopped'],
  ])
  expect(await pool.db.knex('participant')).toEqual([])
})
