import { expect, it } from 'vitest'
import { startStory } from './story.ts'

it('counts unread chats in followed rooms, and reports them without a join', async () => {
  await using story = await startStory('followed-rooms')
  const room = { name: 'Desk', category: 'General', members: ['alice', 'bob'] }
  const { uri: desk } = await story.ida.ask('createRoom', room)
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const seat = await alice.enter(desk)
  await seat.post('Before Bob followed.')
  await bob.follow(desk)
  await bob.watch(desk)

  await seat.post('One.')
  await seat.post('Two.')

  await bob.noticed('something new in a watched room: 3')
  expect(await bob.followed()).toMatchObject([{ name: 'Desk', last: 3, unread: 2 }])
  await bob.markRead(desk, 2)
  expect(await bob.followed()).toMatchObject([{ last: 3, read: 2, unread: 1 }])
  await bob.markRead(desk, 1)
  expect(await bob.followed()).toMatchObject([{ read: 2, unread: 1 }])
  expect(await alice.saw(desk)).not.toContain('Bob Kelly came in')

  // Chats for him count as unread no longer once he is behind the wall.
  await story.ida.ask('changeRoomRoles', { members: { remove: ['bob'] } }, { room: desk })
  await seat.post('Three, not for Bob.')
  story.later({ seconds: 5 })
  expect(await bob.followed()).toEqual([])
  expect(await bob.noticed()).not.toContain('something new in a watched room: 4')
  await story.seal()
})

it('lets feeds find the user’s name, topics and authors in joined rooms, and records when they are opened', async () => {
  await using story = await startStory('feeds')
  const desks: string[] = []
  for (const name of ['Desk', 'Vault'] as const) {
    const members = name === 'Desk' ? ['alice', 'bob'] : ['alice']
    desks.push((await story.ida.ask('createRoom', { name, category: 'General', members })).uri)
  }
  const [desk, vault] = desks as [string, string]
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  await bob.putFeed('Me', { ego: true })
  await bob.putFeed('Frost', { words: ['frost', 'cold wave'] })
  await bob.putFeed('Boss', { authors: ['sip:ida@fourthcoffee.com'] })
  await bob.enter(desk)
  const seat = await alice.enter(desk)
  const hidden = await alice.enter(vault)

  await seat.post('Where is Bob Kelly?')
  await seat.post('There was frost in Minas, and a cold wave is coming.')
  await seat.post('It is cold.')
  await hidden.post('Bob Kelly must not hear of the frost.')

  await bob.noticed('Frost: chat 2')
  expect(await bob.noticed()).toEqual(['Me: chat 1', 'Frost: chat 2'])
  const opened = await bob.openFeed('Frost')
  expect(opened.chats.map(({ roomName, text }) => `${roomName}: ${text}`)).toEqual([
    'Desk: There was frost in Minas, and a cold wave is coming.',
  ])
  expect((await bob.openFeed('Boss')).chats).toEqual([])
  const { counts } = await story.seal()
  expect(counts).toMatchObject({ backchat: 2 })
})
