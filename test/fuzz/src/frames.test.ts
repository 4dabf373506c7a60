import { readFileSync } from 'node:fs'
import { systemClock } from '@hansard/clock'
import { type Admin, openAdmin, type StandardPool, seeded, startStandardPool } from '@hansard/test-pool'
import { ServerMessage } from '@hansard/wire'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { hostileFrame, type Knowledge } from './hostile-frames.ts'

const FRAMES = Number(process.env['HANSARD_FRAMES'] ?? 100_000)
const SOCKETS = 8
/** Posted and named only behind the wall: nobody outside may receive it. */
const MARKER = 'zebra-behind-the-wall'
const SEED = Number(process.env['HANSARD_SEED'] ?? Math.floor(systemClock.now() % 2 ** 31))

let pool: StandardPool
let operator: Admin
let keys: Map<string, string>
let known: Knowledge
beforeAll(async () => {
  pool = await startStandardPool({ interval: '1h' })
  operator = await openAdmin(pool.server)
  const { users } = await operator.ask('addUsers', {
    users: [
      { account: 'insider', displayName: `${MARKER} insider`, domain: 'inside.example', generateKey: true },
      { account: 'stranger', domain: 'outside.example', generateKey: true },
      { account: 'neighbour', domain: 'outside.example', generateKey: true },
    ],
  })
  keys = new Map(users.map(({ account, key }) => [account, key!]))
  const category = `${MARKER} category`
  await operator.ask('addCategory', { name: category, fileUpload: true, allowed: ['ma-grp:*@inside.example'] })
  await operator.ask('addCategory', { name: 'Outside', allowed: ['ma-grp:*@outside.example'] })
  const rooms: string[] = []
  for (const privacy of ['open', 'closed', 'secret'] as const) {
    const members = ['insider']
    const room = { name: `${MARKER} ${privacy}`, topic: MARKER, description: MARKER, privacy, category, members }
    rooms.push((await operator.ask('createRoom', room)).uri)
  }
  rooms.push((await operator.ask('createRoom', { name: 'outside', category: 'Outside', privacy: 'open' })).uri)
  const secret = { name: `${MARKER} inner circle`, category: 'Outside', privacy: 'secret' as const }
  rooms.push((await operator.ask('createRoom', secret)).uri)

  const file = await talkInside(rooms)
  known = {
    rooms: [...rooms, 'ma-chan://localhost/00000000-0000-4000-8000-000000000000', 'outside', '%', ''],
    people: ['sip:insider@inside.example', 'sip:stranger@outside.example', 'ma-grp:*@inside.example', 'ma-grp:*@x'],
    files: [file, `ma-filelink://localhost/${file}`, '../../etc/passwd', '00000000-0000-4000-8000-000000000000'],
  }
})
afterAll(() => pool?.[Symbol.asyncDispose]())

it(`lives through ${FRAMES.toLocaleString('en')} hostile frames, answers each in the protocol, and tells nothing of what is behind a wall (seed ${SEED})`, async () => {
  const random = seeded(SEED)
  const before = residentBytes(pool.process.pid!)
  const tally = { sent: 0, answered: 0, connections: 0 }
  let highest = before

  await Promise.all(
    Array.from({ length: SOCKETS }, async () => {
      while (tally.sent < FRAMES) {
        const stranger = await openConnection('stranger', tally)
        // A session may send a thousand requests and a hundred malformed frames per second: then another session
        // continues.
        for (let n = 0; n < 400 && stranger.open() && tally.sent < FRAMES; n++) {
          stranger.send(hostileFrame(random, known))
          tally.sent += 1
          if (n % 20 === 19) await stranger.settled()
        }
        await stranger.close()
        highest = Math.max(highest, residentBytes(pool.process.pid!))
      }
    }),
  )

  expect(tally.sent).toBeGreaterThanOrEqual(FRAMES)
  expect(tally.answered).toBeGreaterThan(FRAMES / 4)
  expect(pool.process.running).toBe(true)
  // The growth is caches and counters, not a part of every frame.
  expect(highest - before).toBeLessThan(512 * 1024 * 1024)
  const neighbour = await openConnection('neighbour', tally)
  expect(await neighbour.ask({ t: 'join', room: known.rooms[3]! })).toMatchObject({ t: 'joined' })
  const said = { t: 'post', room: known.rooms[3]!, post: 'after-all', text: 'still here' }
  expect(await neighbour.ask(said)).toMatchObject({ t: 'posted' })
  await neighbour.close()
  const { quarantine, alarms } = await operator.ask('status')
  expect({ quarantined: quarantine.count, alarms }).toEqual({ quarantined: 0, alarms: [] })
})

type Connection = {
  open(): boolean
  send(frame: string): void
  ask(question: Record<string, unknown>): Promise<ServerMessage>
  /** Resolves when a ping sent now has been answered, or the server has closed the connection. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** A connection that checks everything it receives: a message of the protocol, with nothing from behind the wall. */
async function openConnection(account: string, tally: { answered: number; connections: number }): Promise<Connection> {
  const response = await fetch(`${pool.server}/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ account, password: keys.get(account) }),
  })
  const { token, endpoint } = (await response.json()) as { token: string; endpoint: string }
  const socket = new WebSocket(endpoint)
  let wrong: Error | undefined
  let closed = false
  const waiting = new Map<number, (message: ServerMessage) => void>()
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => {
      closed = true
      resolve()
      for (const answer of waiting.values()) answer({ t: 'pong', re: -1 })
    })
  })
  socket.on('error', () => {})
  socket.on('message', (data) => {
    const text = data.toString()
    tally.answered += 1
    const message = ServerMessage.safeParse(JSON.parse(text))
    if (!message.success) wrong = new Error(`Not a message of the protocol: ${text.slice(0, 500)}`)
    else if (account !== 'insider' && text.includes(MARKER)) wrong = new Error(`Told a stranger: ${text.slice(0, 500)}`)
    else if ('re' in message.data && message.data.re !== undefined) waiting.get(message.data.re)?.(message.data)
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('close', () => reject(new Error('refused')))
  })
  tally.connections += 1
  let last = Number.MAX_SAFE_INTEGER - 1_000_000
  const check = () => {
    if (wrong) throw wrong
  }
  const ask = (question: Record<string, unknown>) => {
    const id = ++last
    return new Promise<ServerMessage>((resolve) => {
      waiting.set(id, (message) => {
        waiting.delete(id)
        resolve(message)
      })
      socket.send(JSON.stringify({ id, ...question }))
    })
  }
  await ask({ t: 'sign-in', token })
  return {
    open: () => !closed && socket.readyState === WebSocket.OPEN,
    send: (frame) => socket.send(frame),
    async ask(question) {
      const answer = await ask(question)
      check()
      return answer
    },
    async settled() {
      if (!closed && socket.readyState === WebSocket.OPEN) await Promise.race([ask({ t: 'ping' }), ended])
      check()
    },
    async close() {
      socket.close()
      await ended
      check()
    },
  }
}

/** Creates chats and a file in the rooms behind the wall; returns the file's id. */
async function talkInside(rooms: readonly string[]): Promise<string> {
  const insider = await openConnection('insider', { answered: 0, connections: 0 })
  for (const room of rooms.slice(0, 3)) {
    await insider.ask({ t: 'join', room })
    for (let n = 0; n < 20; n++) await insider.ask({ t: 'post', room, post: `p${n}`, text: `${MARKER} word ${n}` })
  }
  const token = await insider.ask({ t: 'upload-token', room: rooms[0]!, fileName: `${MARKER}.txt`, size: 6 })
  if (token.t !== 'file-token') throw new Error(JSON.stringify(token))
  const headers = { authorization: `Bearer ${token.token}` }
  const uploaded = await fetch(token.url, { method: 'PUT', headers, body: 'marker' })
  if (!uploaded.ok) throw new Error(await uploaded.text())
  await insider.close()
  return token.file
}

function residentBytes(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
  return pages * 4_096
}
