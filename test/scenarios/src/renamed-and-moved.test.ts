import { expect, it } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

it('keeps the members and settings of a renamed room', async () => {
  await using story = await startStory('renamed-room')
  const { uri: desk } = await story.ida.ask('createRoom', {
    name: 'Desk',
    category: 'General',
    members: ['alice'],
    managers: ['carol'],
  })
  const alice = await story.signIn('alice')
  const carol = await story.signIn('carol')
  const seat = await alice.enter(desk)
  await seat.post('Under the old name.')

  await carol.changeRoom(desk, { name: 'Futures desk', topic: 'Coffee futures' })
  await alice.saw(desk, 'the room is now Futures desk (normal, Coffee futures), speak')
  await seat.post('Under the new name.')

  expect(await alice.saw(desk)).toEqual([
    'Alice Ciccu: Under the old name.',
    'the room is now Futures desk (normal, Coffee futures), speak',
    'Alice Ciccu: Under the new name.',
  ])
  expect(await alice.room(desk)).toMatchObject({ uri: desk, name: 'Futures desk' })
  expect((await story.ida.ask('createRoom', { name: 'Desk', category: 'General' })).uri).not.toBe(desk)
  const again = story.ida.ask('createRoom', { name: 'Futures desk', category: 'General' })
  expect(await refusal(again)).toBe('duplicate-name')
  await story.seal()
})

it('drops list entries that a moved room’s new category does not allow, and reports them', async () => {
  await using story = await startStory('moved-room')
  const everybody = ['ma-grp:*@fourthcoffee.com', 'ma-grp:*@litware.com']
  await story.ida.ask('addCategory', { name: 'Joint', allowed: everybody })
  await story.ida.ask('addCategory', { name: 'Ours', allowed: ['ma-grp:*@fourthcoffee.com'], creators: ['dan'] })
  const { uri: talks } = await story.ida.ask('createRoom', {
    name: 'Talks',
    category: 'Joint',
    members: ['alice', 'lena', 'ma-grp:*@litware.com'],
    managers: ['carol', 'dan', 'lukas'],
  })
  const alice = await story.signIn('alice')
  const lena = await story.signIn('lena')
  const seat = await alice.enter(talks)
  await lena.enter(talks)
  await seat.post('Before the move.')
  const carol = await story.signIn('carol')
  const dan = await story.signIn('dan')
  expect(await refusal(carol.changeRoom(talks, { category: 'Ours' }))).not.toBe('not refused')

  const { dropped } = await dan.changeRoom(talks, { category: 'Ours' })
  await lena.saw(talks, 'out: removed')
  await seat.post('After the move.')

  expect(dropped.toSorted()).toEqual(['ma-grp:*@litware.com', 'sip:lena@litware.com', 'sip:lukas@litware.com'])
  expect(await lena.saw(talks)).toEqual(['Alice Ciccu: Before the move.', 'out: removed'])
  expect(await refusal(lena.enter(talks))).toBe('no-such-room')
  expect(await alice.saw(talks)).toContain('Alice Ciccu: After the move.')
  await story.seal()
})
