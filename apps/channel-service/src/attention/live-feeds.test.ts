import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { createTaskQueue, yieldToEventLoop } from '@hansard/lifecycle'
import { loadRoomAccess, type Principal, putFeed, standingIn } from '@hansard/pool-store'
import { chatFrame } from '@hansard/wire'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { createOutgoing } from '../delivery/frames.ts'
import { Session } from '../delivery/session.ts'
import { RoomHub } from '../rooms/room-hub.ts'
import { openPoolInTest, type PoolInTest } from '../service-in-test.ts'
import { createLiveFeeds } from './live-feeds.ts'

let pool: PoolInTest
beforeEach(async () => {
  pool = await openPoolInTest('sqlite')
})
afterEach(() => pool.close())

const fail = (error: unknown) => {
  throw error
}

function sessionOf(principal: Principal) {
  const written = new PassThrough()
  const session = new Session({
    id: crypto.randomUUID(),
    remote: '::1',
    socket: written as unknown as Socket,
    ws: undefined as unknown as WebSocket,
    outgoing: createOutgoing(),
    bufferMax: 1_000_000,
    requestsPerSecond: 1,
    now: 0,
  })
  session.principal = principal
  return {
    session,
    /** The chats and matches written to it since the last call. */
    told() {
      while (written.writableCorked > 0) written.uncork()
      const text = written.read()?.toString() ?? ''
      const told = /"t":"(chat|feed-match)"(?:,"feed":"(\w+)")?,"room":"[^"]*","chat":(\d+)/g
      return [...text.matchAll(told)].map((match: string[]) => match.slice(1).join(' '))
    },
  }
}

it('a chat is delivered before it is compared with feeds, which takes as many ticks as needed', async () => {
  const alice = await pool.person('alice')
  const room = await pool.room('desk', 'open')
  // Each of them compares nearly to its end at every word of the story.
  for (let n = 0; n < 50; n += 1) {
    const words = [`${'za '.repeat(46)}zb ${n === 7 ? 'zc' : `x${n} zc`}`]
    await putFeed(pool.db, { principalId: alice.id, name: `f${n}`, filter: { words, authors: [], ego: false } })
  }
  const [here, late] = [sessionOf(alice), sessionOf(alice)]
  const people = new Map([[alice.id, new Set([here.session, late.session])]])
  const feeds = createLiveFeeds({ db: pool.db, people, onError: fail })
  await feeds.load(alice.id)
  const access = (await loadRoomAccess(pool.db, { id: room.id }))!
  const never = () => new Promise<never>(() => {})
  const hub = new RoomHub({
    ref: 1,
    access,
    addIn: null,
    participants: 1,
    edits: 0,
    reads: { chatsAfter: never, chatsEdited: never, rights: never, confirmedAlive: () => true },
    feeds,
    judge: never,
  })
  const standing = await standingIn(pool.db, access, alice)
  hub.admit(here.session, { has: 0, at: 0, standing, brief: false })
  const said = (chat: number, text: string) =>
    hub.deliver(chat, chatFrame({ room: room.uri, chat, at: 1, from: alice, text }), room.rights)
  said(1, `${'za '.repeat(21_000)} zb zc ${Array.from({ length: 50 }, (_, n) => `x${n}`).join(' ')}`)
  said(2, `${'za '.repeat(50)} zb zc`)
  expect(here.told()).toEqual(['chat  1', 'chat  2'])
  // Both were sent before it arrived.
  hub.admit(late.session, { has: 2, at: 2, standing, brief: false })

  let tasks = 0
  const matched: string[] = []
  for (; matched.length < 2; tasks += 1) {
    await yieldToEventLoop()
    matched.push(...here.told())
  }
  expect(matched).toEqual(['feed-match f7 1', 'feed-match f7 2'])
  expect(tasks).toBeGreaterThan(8)
  expect(late.told()).toEqual([])
})

it('matches the words of a feed behind invisible characters and look-alikes', async () => {
  const alice = await pool.person('alice')
  const feed = { words: ['payroll', 'margin call'], authors: [], ego: false }
  await putFeed(pool.db, { principalId: alice.id, name: 'watch', filter: feed })
  const { session } = sessionOf(alice)
  const feeds = createLiveFeeds({ db: pool.db, people: new Map([[alice.id, new Set([session])]]), onError: fail })
  await feeds.load(alice.id)

  const told: string[] = []
  const texts = ['pаyroll', 'PAY\u200bROLL', 'РАУROLL', 'the mar\u00adgin сall', 'pay roll', 'margins', 'end: payroll']
  for (const text of texts) {
    const chat = { from: { uri: 'sip:bob@x' }, text }
    feeds.tellMatching({ members: new Map([[session, undefined]]) }, { read: () => chat, bytes: 1 }, () =>
      told.push(text),
    )
  }
  while (told.at(-1) !== 'end: payroll') await yieldToEventLoop()
  expect(told).toEqual(texts.filter((text) => text !== 'pay roll' && text !== 'margins'))
})

it('work runs in order, a bounded amount per tick, and a failure does not stop the rest', async () => {
  const log: string[] = []
  const errors: unknown[] = []
  const tasks = createTaskQueue({ perTick: 3, onError: (error) => errors.push(error) })
  function* work(name: string, steps: number) {
    for (let n = 1; n <= steps; n += 1) {
      if (name === 'bad') throw new Error(name)
      log.push(`${name}${n}`)
      yield 1
    }
  }
  tasks.add(work('a', 2))
  tasks.add(work('bad', 1))
  tasks.add(work('b', 4))
  expect(log).toEqual([])

  const perTick: string[] = []
  while (log.length < 6) {
    const before = log.length
    await yieldToEventLoop()
    perTick.push(log.slice(before).join(' '))
  }

  expect(perTick).toEqual(['a1 a2 b1', 'b2 b3 b4'])
  expect(errors).toEqual([new Error('bad')])
})
