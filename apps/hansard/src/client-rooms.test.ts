import { type Chat, type RoomLook, UncertainError } from '@hansard/client'
import { expect, it } from 'vitest'
import { startTalkPool } from './pool-in-test.ts'

/** Resolves with what a listener was called with next. */
const next = <T>() => {
  const { promise, resolve } = Promise.withResolvers<T>()
  return { heard: promise, tell: resolve }
}

it('carries stories and alerts, and tells who may post when that changes', async () => {
  await using pool = await startTalkPool({ administrators: ['alice'] })
  const alice = await pool.signIn('alice')
  const bob = await pool.signIn('bob')
  const story = next<Chat>()
  const changed = next<RoomLook>()
  const room = await bob.join(pool.room, { onChat: story.tell, onChanged: changed.tell })
  const desk = await alice.join(pool.room)

  await desk.post('x'.repeat(5_000), { title: 'Minutes', alert: true })
  await alice.changeRoom(pool.room, { type: 'auditorium', topic: 'Earnings' })

  expect(await story.heard).toMatchObject({ title: 'Minutes', alert: true })
  expect(await changed.heard).toMatchObject({ type: 'auditorium', topic: 'Earnings', mayPost: false })
  expect([room.topic, room.type, room.mayPost]).toEqual(['Earnings', 'auditorium', false])
  await expect(room.post('hello')).rejects.toMatchObject({ code: 'not-a-presenter' })
  await expect(room.post('x'.repeat(4_097))).rejects.toMatchObject({ code: 'too-long' })
})

it('makes rooms, and is told when it is put out of one', async () => {
  await using pool = await startTalkPool({ administrators: ['alice'] })
  const alice = await pool.signIn('alice')
  const bob = await pool.signIn('bob')
  expect(await alice.categories()).toMatchObject([{ name: 'General' }])
  const { uri } = await alice.createRoom({ category: 'General', name: 'Options', members: ['bob'] })
  const out = next<string>()
  const desk = await bob.join(uri, { onClosed: out.tell })
  await desk.post('one')

  expect(await alice.room(uri)).toMatchObject({ mayManage: true, members: [{ uri: 'sip:bob@example.com' }] })
  expect((await bob.rooms({ mine: true })).map(({ name }) => name)).toEqual(['Options'])
  expect((await bob.rooms({ joined: 'sip:bob@example.com' })).map(({ name }) => name)).toEqual(['Options'])
  expect(await bob.rooms({ category: 'General' })).toEqual([])
  expect(await alice.rooms({ all: true, category: 'General', disabled: true })).toEqual([])
  const { rooms: page, next: rest } = await alice.roomsPage({ all: true, category: 'General' }, { limit: 1 })
  const { rooms: others } = await alice.roomsPage({ all: true, category: 'General' }, { after: rest! })
  expect([...page, ...others]).toEqual(await alice.rooms({ all: true }))
  expect(await alice.eligible({ room: uri, text: '*carol*' })).toMatchObject([{ name: 'carol' }])
  expect((await bob.history(uri, { after: 0 })).chats).toMatchObject([{ text: 'one' }])
  expect(await alice.changeRoles(uri, { role: 'member', remove: ['bob'] })).toEqual({
    dropped: [],
    droppedFrom: { members: [], managers: [], presenters: [] },
  })

  expect(await out.heard).toBe('removed')
  await expect(desk.post('two')).rejects.toMatchObject({ code: 'not-joined' })
  await expect(bob.deleteRoom(uri)).rejects.toMatchObject({ code: 'not-an-administrator' })
})

it('hears of chats that were replaced and purged, and reads on over them', async () => {
  await using pool = await startTalkPool({ administrators: ['alice'] })
  const alice = await pool.signIn('alice')
  const bob = await pool.signIn('bob')
  const desk = await alice.join(pool.room)
  for (const text of ['one', 'two', 'three', 'four']) await desk.post(text)
  const replaced = next<{ chat: number; text: string; title?: string }>()
  const purged = next<{ chat: number }>()
  await bob.join(pool.room, { onChatReplaced: replaced.tell, onChatPurged: purged.tell })

  await desk.replaceChat(1, 'ONE')
  await desk.deleteChat(2)
  expect(await alice.purgeChats(pool.room, { words: 'three' })).toBe(1)

  expect(await replaced.heard).toEqual({ chat: 1, text: 'ONE' })
  expect(await purged.heard).toEqual({ chat: 2 })
  const chats: Chat[] = []
  const { heard, tell } = next<void>()
  const carol = await pool.signIn('carol')
  let reconnections = 0
  await carol.join(pool.room, {
    after: 0,
    onRejoined: () => {
      reconnections += 1
    },
    onChat: (chat) => {
      chats.push(chat)
      if (chat.text === 'five') tell()
    },
  })
  await desk.post('five')
  await heard
  expect(chats.map(({ chat, text, replaced: was }) => [chat, text, was])).toEqual([
    [1, 'ONE', true],
    [4, 'four', undefined],
    [5, 'five', undefined],
  ])
  expect(reconnections).toBe(0)
})

it('hears of a story under which title it was replaced, and that it is none any more', async () => {
  await using pool = await startTalkPool({ administrators: ['alice'] })
  const alice = await pool.signIn('alice')
  const bob = await pool.signIn('bob')
  const desk = await alice.join(pool.room)
  await desk.post('first body', { title: 'Plan A' })
  const heard: unknown[] = []
  const { heard: last, tell } = next<void>()
  await bob.join(pool.room, {
    onChatReplaced: (change) => {
      heard.push(change)
      if (change.text === 'gone') tell()
    },
  })

  await desk.replaceChat(1, 'second body')
  await alice.replaceChat(pool.room, 1, 'third body', { title: 'Plan B' })
  await desk.replaceChat(1, 'fourth body', { title: 'Plan C' })
  expect(await alice.purgeChats(pool.room, { words: 'plan' }, { replacement: 'gone' })).toBe(1)

  await last
  expect(heard).toEqual([
    { chat: 1, text: 'second body', title: 'Plan A' },
    { chat: 1, text: 'third body', title: 'Plan B' },
    { chat: 1, text: 'fourth body', title: 'Plan C' },
    { chat: 1, text: 'gone' },
  ])
})

it('tells chats that are gone from chats that were lost on the way', async () => {
  await using pool = await startTalkPool({ administrators: ['alice'] })
  const alice = await pool.signIn('alice')
  const desk = await alice.join(pool.room)
  for (const text of ['one', 'two', 'three', 'four', 'five', 'six']) await desk.post(text)
  for (const chat of [2, 3]) await desk.deleteChat(chat)
  const bob = await pool.signIn('bob')
  let swallowed = 0
  pool.wire.incoming = (frame) => {
    const lost = swallowed === 0 && frame.includes('"chat":5,')
    if (lost) swallowed += 1
    return !lost
  }
  const ids: number[] = []
  let reconnections = 0
  const { heard, tell } = next<void>()

  await bob.join(pool.room, {
    after: 0,
    onRejoined: () => {
      reconnections += 1
    },
    onChat: ({ chat }) => {
      ids.push(chat)
      if (chat === 6) tell()
    },
  })

  await heard
  expect(ids).toEqual([1, 4, 5, 6])
  expect([swallowed, reconnections]).toEqual([1, 1])
})

it('does not repeat a change whose answer was lost', async () => {
  await using pool = await startTalkPool({ administrators: ['alice'] })
  const alice = await pool.signIn('alice')
  let made = 0
  pool.wire.outgoing = (frame) => {
    if (frame.includes('"create-room"')) made += 1
    return true
  }
  pool.wire.incoming = (frame) => {
    if (!frame.includes('"room-created"')) return true
    pool.wire.cut()
    return false
  }

  const answer = alice.createRoom({ category: 'General', name: 'Once' })

  await expect(answer).rejects.toBeInstanceOf(UncertainError)
  expect((await alice.rooms({ all: true, text: 'Once' })).map(({ name }) => name)).toEqual(['Once'])
  expect(made).toBe(1)
})

it('is given what it missed of a room without history when its connection breaks, and told what is not for it', async () => {
  await using pool = await startTalkPool({ chatHistory: false })
  const alice = await pool.signIn('alice')
  const desk = await alice.join(pool.room)
  await desk.post('one')
  const heard: string[] = []
  const { heard: all, tell } = next<void>()
  let reconnections = 0
  const bob = await pool.signIn('bob')
  await bob.join(pool.room, {
    onChat: ({ text }) => {
      heard.push(text)
      if (text === 'three') tell()
    },
    onRejoined: () => {
      reconnections += 1
    },
  })
  // Its connection breaks before the chat has arrived.
  pool.wire.incoming = (frame) => {
    if (!frame.includes('"text":"two"')) return true
    pool.wire.incoming = () => true
    pool.wire.cut()
    return false
  }

  await desk.post('two')
  await desk.post('three')
  await all
  const late = next<{ from: number; through: number }>()
  const carol = await pool.signIn('carol')
  const room = await carol.join(pool.room, { after: 0, onChatsGone: late.tell })

  expect(heard).toEqual(['two', 'three'])
  expect(await late.heard).toEqual({ from: 1, through: 3 })
  expect(room.last).toBe(3)
  expect(reconnections).toBe(1)
})
