import { expect, it } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

it('records every read of history, also from outside the room and also without a result', async () => {
  await using story = await startStory('history')
  const room = { name: 'Desk', category: 'General', members: ['alice', 'bob'] }
  const { uri: desk } = await story.ida.ask('createRoom', room)
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const carol = await story.signIn('carol')

  const nothing = await bob.history(desk)
  const seat = await alice.enter(desk)
  for (let n = 1; n <= 35; n++) await seat.post(`Tick ${n}.`)
  const newest = await bob.history(desk)
  const older = await bob.history(desk, { before: newest.chats[0]!.chat })
  const first = await seat.history({ after: 0, limit: 3 })

  expect(nothing).toEqual({ chats: [], more: false })
  // 30 of them, the original's default.
  expect([newest.chats.length, newest.chats[0]!.text, newest.more]).toEqual([30, 'Tick 6.', true])
  expect(older.chats.map(({ text }) => text)).toEqual(['Tick 1.', 'Tick 2.', 'Tick 3.', 'Tick 4.', 'Tick 5.'])
  expect(first.chats.map(({ text }) => text)).toEqual(['Tick 1.', 'Tick 2.', 'Tick 3.'])
  expect(await refusal(carol.history(desk))).toBe('not-a-member')
  const { strict, counts } = await story.seal()
  expect(counts).toMatchObject({ backchat: 4, chat: 35 })
  expect(strict.match(/<Message type="BACKCHAT"/g)).toHaveLength(4)
})

it('delivers and records chats in a category without history, and shows them to nobody later', async () => {
  await using story = await startStory('history-off')
  await story.ida.ask('addCategory', {
    name: 'Spoken word',
    allowed: ['ma-grp:*@fourthcoffee.com'],
    chatHistory: false,
  })
  const { uri: hall } = await story.ida.ask('createRoom', { name: 'Hall', category: 'Spoken word', privacy: 'open' })
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const carol = await story.signIn('carol')
  const seat = await alice.enter(hall)
  await bob.enter(hall)

  await seat.post('This is heard, and kept for nobody.')
  // For ten minutes a participant who lost the connection can catch up. Carol was not present; after that the text is
  // gone for everybody.
  story.later({ minutes: 11 })
  await carol.enter(hall, { after: 0 })

  expect(await bob.heard(hall)).toEqual(['This is heard, and kept for nobody.'])
  expect(await carol.heard(hall)).toEqual([])
  expect([await refusal(bob.history(hall)), await refusal(seat.history())]).toEqual(['history-off', 'history-off'])
  const { strict, counts } = await story.seal()
  expect(strict).toContain('This is heard, and kept for nobody.')
  // Carol requested history and was shown nothing, so there is no read.
  expect(counts).toMatchObject({ chat: 1, join: 3, backchat: 0 })
})

it('records the chats shown at a join as an audited read', async () => {
  await using story = await startStory('catching-up')
  const { uri: desk } = await story.ida.ask('createRoom', { name: 'Desk', category: 'General', privacy: 'open' })
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const carol = await story.signIn('carol')
  const seat = await alice.enter(desk)
  for (const text of ['One.', 'Two.', 'Three.']) await seat.post(text)

  // Everything; what was posted while he was away; nothing, because she requests nothing.
  const first = await bob.enter(desk, { after: 0 })
  await bob.saw(desk, 'Alice Ciccu: Three.')
  await first.part()
  await seat.post('Four.')
  await bob.enter(desk, { after: 3 })
  await bob.saw(desk, 'Alice Ciccu: Four.')
  await carol.enter(desk)
  await seat.post('Five.')

  expect(await bob.heard(desk)).toEqual(['One.', 'Two.', 'Three.', 'Four.', 'Five.'])
  expect(await carol.heard(desk)).toEqual(['Five.'])
  const { strict } = await story.seal()
  expect([...strict.matchAll(/<Message type="BACKCHAT" content="([^"]*)"/g)].map(([, content]) => content)).toEqual([
    'chats 1-3',
    'chats 4-4',
  ])
})
