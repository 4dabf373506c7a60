import { type Chat, ClosedError, RefusedError, systemTiming, UnreachableError } from '@hansard/client'
import { yieldToEventLoop } from '@hansard/lifecycle'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { startTalkPool } from './pool-in-test.ts'

const texts = (chats: readonly Chat[]) => chats.map(({ text }) => text)

/** Resolves when `chats` holds so many. */
const listener = () => {
  const chats: Chat[] = []
  let wake = () => {}
  return {
    chats,
    onChat: (chat: Chat) => {
      chats.push(chat)
      wake()
    },
    async until(count: number) {
      while (chats.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return texts(chats)
    },
  }
}

it('lets two people talk, and reads history and roster', async () => {
  await using pool = await startTalkPool()
  const alice = await (await pool.signIn('alice')).join(pool.room)
  const heard = listener()
  const bob = await (await pool.signIn('bob')).join(pool.room, heard)

  const first = await alice.post('one')
  await bob.post('two')

  expect(first.chat).toBe(1)
  expect(await heard.until(2)).toEqual(['one', 'two'])
  expect(texts((await bob.history()).chats)).toEqual(['one', 'two'])
  expect((await bob.roster()).map(({ name }) => name).sort()).toEqual(['alice', 'bob'])
  await alice.part()
  expect((await pool.record()).map(({ kind }) => kind)).toEqual([
    'change',
    'join',
    'join',
    'chat',
    'chat',
    'backchat',
    'part',
  ])
})

it('delivers what was missed, once and in order, when it joins after the last chat it has', async () => {
  await using pool = await startTalkPool()
  const alice = await (await pool.signIn('alice')).join(pool.room)
  for (let n = 1; n <= 5; n += 1) await alice.post(`${n}`)

  const heard = listener()
  await (await pool.signIn('bob')).join(pool.room, { ...heard, after: 2 })
  await alice.post('6')

  expect(await heard.until(4)).toEqual(['3', '4', '5', '6'])
})

it('records a post once whose acknowledgement was lost', async () => {
  await using pool = await startTalkPool()
  const client = await pool.signIn('alice')
  const alice = await client.join(pool.room)
  let lost = 0
  pool.wire.incoming = (frame) => {
    if (!frame.startsWith('{"t":"posted"') || lost > 0) return true
    lost += 1
    pool.wire.cut()
    return false
  }

  const sent: string[] = []
  pool.wire.outgoing = (frame) => {
    if (frame.startsWith('{"t":"post"')) sent.push(frame)
    return true
  }

  const posted = await alice.post('only once')

  expect(lost).toBe(1)
  expect(sent.map((frame) => JSON.parse(frame).again)).toEqual([undefined, true])
  const chats = (await pool.record()).filter((event) => event.kind === 'chat')
  expect(chats.map(({ chatId, content }) => [chatId, content])).toEqual([[posted.chat, 'only once']])
})

it('learns that a post is on record although its room was closed before the answer came', async () => {
  await using pool = await startTalkPool({ administrators: ['carol'] })
  const carol = await pool.signIn('carol')
  const alice = await (await pool.signIn('alice')).join(pool.room)
  let lost = 0
  pool.wire.incoming = (frame) => {
    if (!frame.startsWith('{"t":"posted"') || lost > 0) return true
    lost += 1
    void carol.disableRoom(pool.room)
    return false
  }

  const posted = await alice.post('only once')

  expect(lost).toBe(1)
  const chats = (await pool.record()).filter((event) => event.kind === 'chat')
  expect(chats.map(({ chatId, content }) => [chatId, content])).toEqual([[posted.chat, 'only once']])
  await expect(alice.post('too late')).rejects.toMatchObject({ code: 'not-joined' })
})

it('delivers every chat once and in order over connections that break at any moment', async () => {
  await using pool = await startTalkPool()
  const chance = fc.sample(fc.integer({ min: 0, max: 29 }), { numRuns: 4_000, seed: 4_711 })
  const alice = await (await pool.signIn('alice')).join(pool.room)
  const heard = listener()
  const heardToo = listener()
  await (await pool.signIn('bob')).join(pool.room, heard)
  await (await pool.signIn('carol')).join(pool.room, heardToo)
  let frames = 0
  let cuts = 0
  const flaky = () => {
    if (chance[frames++ % chance.length] !== 0 || cuts >= 25) return true
    cuts += 1
    pool.wire.cut()
    return false
  }
  pool.wire.incoming = flaky
  pool.wire.outgoing = flaky

  const wanted = Array.from({ length: 200 }, (_, n) => `${n}`)
  const posted = await Promise.all(wanted.map((text) => alice.post(text)))

  expect(cuts).toBeGreaterThan(0)
  expect(await heard.until(200)).toEqual(wanted)
  expect(await heardToo.until(200)).toEqual(wanted)
  expect(posted.map(({ chat }) => chat)).toEqual(wanted.map((_, n) => n + 1))
  const chats = (await pool.record()).filter((event) => event.kind === 'chat')
  expect(chats.map(({ content }) => content)).toEqual(wanted)
})

it('finds its way to the successor when a channel service is stopped', async () => {
  await using pool = await startTalkPool()
  let rejoined = 0
  const alice = await (await pool.signIn('alice')).join(pool.room, { onRejoined: () => (rejoined += 1) })
  const heard = listener()
  await (await pool.signIn('bob')).join(pool.room, heard)
  await alice.post('before')

  await Promise.all([pool.restartChannelService(), alice.post('during')])
  await alice.post('after')

  expect(await heard.until(3)).toEqual(['before', 'during', 'after'])
  expect(rejoined).toBeGreaterThan(0)
})

it('asks again for chats that a pool left out', async () => {
  await using pool = await startTalkPool()
  const alice = await (await pool.signIn('alice')).join(pool.room)
  const heard = listener()
  await (await pool.signIn('bob')).join(pool.room, heard)
  let swallowed = 0
  pool.wire.incoming = (frame) => {
    if (!frame.includes('"text":"two"') || swallowed >= 2) return true
    swallowed += 1
    return false
  }

  for (const text of ['one', 'two', 'three']) await alice.post(text)

  expect(await heard.until(3)).toEqual(['one', 'two', 'three'])
})

it('says no like the pool does', async () => {
  await using pool = await startTalkPool({
    limits: {
      chatBytesMax: 100,
      historyPageMax: 500,
      historyPageDefault: 30,
      postsInFlightMax: 4,
      roomsPerSessionMax: 10,
      participantUpdateLimit: 75,
    },
  })
  const client = await pool.signIn('alice')
  const room = await client.join(pool.room)

  await expect(client.join(pool.room)).rejects.toMatchObject({ code: 'already-joined' })
  await expect(client.join('ma-chan://example.com/none')).rejects.toMatchObject({ code: 'no-such-room' })
  await expect(room.post('ü'.repeat(51))).rejects.toMatchObject({ code: 'too-long' })
  await expect(room.post('')).rejects.toMatchObject({ code: 'malformed' })
  const first = await room.post('monday', { name: 'msg-1' })
  expect(await room.post('monday', { name: 'msg-1' })).toEqual(first)
  await expect(room.post('tuesday', { name: 'msg-1' })).rejects.toMatchObject({ code: 'post-name-used' })
  await room.part()
  await expect(room.post('gone')).rejects.toMatchObject({ code: 'not-joined' })
  await expect(room.history()).rejects.toBeInstanceOf(RefusedError)
  await client.join(pool.room)
  await client.close()
  await expect(client.rooms()).rejects.toBeInstanceOf(ClosedError)
})

it('tells a wrong password from a pool that is not there', async () => {
  await using pool = await startTalkPool()
  await expect(pool.signIn('alice', { password: 'not the key at all' })).rejects.toMatchObject({
    code: 'wrong-credentials',
  })
  await expect(pool.signIn('alice', { server: 'http://127.0.0.1:9' })).rejects.toBeInstanceOf(UnreachableError)
})

it('keeps what it may hold in memory bounded', async () => {
  await using pool = await startTalkPool()
  const room = await (await pool.signIn('alice', { postsWaitingMax: 3 })).join(pool.room)
  pool.wire.outgoing = () => false
  const inFlight = Array.from({ length: 256 }, () => room.post('on its way'))
  const waiting = [1, 2, 3].map(() => room.post('waiting'))

  await expect(room.post('too many')).rejects.toMatchObject({ code: 'too-fast' })

  pool.wire.outgoing = () => true
  pool.wire.cut()
  const all = await Promise.all([...inFlight, ...waiting])
  expect(all.map(({ chat }) => chat)).toEqual(all.map((_, n) => n + 1))
})

it('gives up a connection that has died without a word', async () => {
  await using pool = await startTalkPool()
  let lost: Error | undefined
  const client = await pool.signIn('alice', { heartbeatMs: 30, onReconnecting: ({ cause }) => (lost = cause) })
  const room = await client.join(pool.room)
  let dead = true
  pool.wire.outgoing = () => !dead
  pool.wire.incoming = () => !dead

  const posting = room.post('said into the void')
  while (!lost) await yieldToEventLoop()
  dead = false

  expect((await posting).chat).toBe(1)
  expect(lost.message).toContain('silent')
})

it('renews its session on the connection that is up, before the token expires', async () => {
  await using pool = await startTalkPool()
  const frames: string[] = []
  const listen = (frame: string) => {
    frames.push(JSON.parse(frame).t)
    return true
  }
  Object.assign(pool.wire, { incoming: listen, outgoing: listen })
  const renewals: (() => void)[] = []
  const timing = {
    ...systemTiming,
    after(ms: number, callback: () => void) {
      // Only a renewal waits for hours.
      if (ms < 3_600_000) return systemTiming.after(ms, callback)
      renewals.push(callback)
      return { cancel() {} }
    },
  }
  let reconnected = 0
  await pool.signIn('alice', { timing, onReconnecting: () => (reconnected += 1) })
  expect(renewals).toHaveLength(1)

  renewals[0]!()

  await expect.poll(() => renewals.length).toBe(2)
  expect(frames).toEqual(['sign-in', 'signed-in', 'renew', 'renewed'])
  expect(reconnected).toBe(0)
})
