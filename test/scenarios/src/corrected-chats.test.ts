import { expect, it } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

it('lets an administrator replace and delete chats, a manager where the pool permits it, and keeps the old text', async () => {
  await using story = await startStory('corrected-chats')
  const room = { name: 'Desk', category: 'General', privacy: 'open' as const, managers: ['carol'] }
  const { uri: desk } = await story.ida.ask('createRoom', room)
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const carol = await story.signIn('carol')
  const ida = await story.signIn('ida')
  const seat = await alice.enter(desk)
  for (const text of ['The password is swordfish.', 'Carl is a fool.', 'The price is 41.', 'Good night.'])
    await seat.post(text)
  await bob.enter(desk)

  // Not even the author may, nor the manager under the pool's default.
  expect(await refusal(seat.deleteChat(1))).toBe('not-an-administrator')
  expect(await refusal(carol.deleteChat(desk, 1))).toBe('not-an-administrator')
  await ida.replaceChat(desk, 1, 'This message was replaced by the Persistent Chat administrator.')
  await ida.deleteChat(desk, 2)
  await story.ida.ask('changeConfiguration', { managersMayEditChats: true }, { identity: 'global' })
  await carol.replaceChat(desk, 3, 'The price is 40.')
  expect(await refusal(bob.replaceChat(desk, 3, 'The price is 39.'))).toBe('not-a-manager')
  expect(await refusal(carol.deleteChat(desk, 99))).toBe('no-such-chat')

  expect(await bob.saw(desk, 'chat 3 now reads: The price is 40.')).toEqual([
    'chat 1 now reads: This message was replaced by the Persistent Chat administrator.',
    'chat 2 is gone',
    'chat 3 now reads: The price is 40.',
  ])
  expect((await bob.history(desk)).chats.map(({ chat, text, replaced }) => [chat, text, replaced])).toEqual([
    [1, 'This message was replaced by the Persistent Chat administrator.', true],
    [3, 'The price is 40.', true],
    [4, 'Good night.', undefined],
  ])
  const { strict, extended } = await story.seal()
  for (const text of ['The password is swordfish.', 'Carl is a fool.', 'The price is 41.']) {
    expect(strict).toContain(text)
    expect(extended).toContain(text)
  }
})

it('replaces the text of a story, its title on request, and the whole story by an administrator’s text', async () => {
  await using story = await startStory('corrected-stories')
  const { uri: desk } = await story.ida.ask('createRoom', { name: 'Desk', category: 'General', privacy: 'open' })
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const ida = await story.signIn('ida')
  const seat = await alice.enter(desk)
  await bob.enter(desk)
  await seat.post('first body', { title: 'Plan A', alert: true })
  await seat.post(`Long ago: ${'x'.repeat(5_000)}`, { title: 'History' })

  await ida.replaceChat(desk, 1, 'second body')
  await ida.replaceChat(desk, 1, 'third body', { title: 'Plan B' })
  await ida.replaceChat(desk, 2, `Not long ago: ${'x'.repeat(5_000)}`)
  await story.ida.ask('replaceChats', { filter: { words: 'plan' } }, { room: desk })
  await ida.deleteChat(desk, 2)

  expect((await bob.saw(desk, 'chat 2 is gone')).slice(-5).map((line) => line.replace(/x+/, '…'))).toEqual([
    'chat 1 now reads: [Plan A] second body',
    'chat 1 now reads: [Plan B] third body',
    'chat 2 now reads: [History] Not long ago: …',
    'chat 1 now reads: This message was replaced by the Persistent Chat administrator.',
    'chat 2 is gone',
  ])
  expect((await bob.history(desk)).chats).toMatchObject([{ chat: 1, replaced: true, alert: true }])
  expect((await bob.history(desk)).chats[0]).not.toHaveProperty('title')
  expect((await bob.search({ words: 'body plan', match: 'any' })).chats).toEqual([])
  await story.seal()
})

it('clears a room up to a date and no further, and keeps the purged texts on record', async () => {
  await using story = await startStory('cleared-room')
  const { uri: desk } = await story.ida.ask('createRoom', { name: 'Desk', category: 'General', privacy: 'open' })
  const alice = await story.signIn('alice')
  const seat = await alice.enter(desk)
  await seat.post('One.')
  const { at: through } = await seat.post('Two, the last to go.')
  await seat.post('Three, the first to stay.')

  const asked = await story.ida.ask('clearRoom', { through, dryRun: true }, { room: desk })
  const done = await story.ida.ask('clearRoom', { through }, { room: desk })

  expect([asked, done]).toEqual([
    { chats: 2, dryRun: true },
    { chats: 2, dryRun: false },
  ])
  expect((await alice.history(desk)).chats.map(({ text }) => text)).toEqual(['Three, the first to stay.'])
  const { extended, counts } = await story.seal()
  expect(counts).toMatchObject({ chat: 3, 'chat-purged': 2 })
  expect(extended).toContain('Two, the last to go.')
})

it('purges by all words, any word, a phrase, author and date, and nothing else', async () => {
  await using story = await startStory('purged-chats')
  const { uri: desk } = await story.ida.ask('createRoom', { name: 'Desk', category: 'General', privacy: 'open' })
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const a = await alice.enter(desk)
  const b = await bob.enter(desk)
  await a.post('Arabica is up, robusta is down.')
  await b.post('Robusta first, then arabica.')
  await b.post('Only robusta here.')
  await a.post('arabica is up')
  const { at: noon } = await a.post('Lunch?')
  await b.post('Lunch!')

  const purge = (filter: object, dryRun = false) => story.ida.ask('removeChats', { filter, dryRun }, { room: desk })
  const found = async (filter: object) => (await purge(filter, true)).chats
  expect({
    all: await found({ words: 'ARABICA robusta' }),
    any: await found({ words: 'arabica robusta', match: 'any' }),
    phrase: await found({ words: 'arabica is up', match: 'phrase' }),
    exactly: await found({ words: 'arabica is up', match: 'phrase', caseSensitive: true }),
    bobs: await found({ authors: ['sip:bob@fourthcoffee.com'] }),
    bobsRobusta: await found({ authors: ['sip:bob@fourthcoffee.com'], words: 'robusta' }),
    upToNoon: await found({ to: noon }),
    sinceNoon: await found({ from: noon }),
  }).toEqual({ all: 2, any: 4, phrase: 2, exactly: 1, bobs: 3, bobsRobusta: 2, upToNoon: 5, sinceNoon: 2 })

  await purge({ words: 'arabica is up', match: 'phrase', caseSensitive: true })
  await purge({ authors: ['sip:bob@fourthcoffee.com'], words: 'arabica robusta' })
  const replaced = await story.ida.ask('replaceChats', { filter: { from: noon, words: 'lunch' } }, { room: desk })

  expect(replaced).toEqual({ chats: 2, dryRun: false })
  expect((await alice.history(desk)).chats.map(({ text }) => text)).toEqual([
    'Arabica is up, robusta is down.',
    'Only robusta here.',
    'This message was replaced by the Persistent Chat administrator.',
    'This message was replaced by the Persistent Chat administrator.',
  ])
  const { counts } = await story.seal()
  expect(counts).toMatchObject({ chat: 6, 'chat-purged': 2, 'chat-replaced': 2 })
})
