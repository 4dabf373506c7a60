import { expect, it } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

it('distinguishes alerts and stories from other chats, for users and in the record', async () => {
  await using story = await startStory('alerts-and-stories')
  const { uri: desk } = await story.ida.ask('createRoom', { name: 'Desk', category: 'General', privacy: 'open' })
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const seat = await alice.enter(desk)
  await bob.enter(desk)

  await seat.post('Trading is halted.', { alert: true })
  await seat.post('The port of Santos is closed until Monday.\nTwo ships are waiting.', { title: 'Santos' })
  await seat.post('Evacuate the building.', { title: 'Fire', alert: true })

  expect(await bob.saw(desk)).toEqual([
    'Alice Ciccu (alert): Trading is halted.',
    'Alice Ciccu [Santos]: The port of Santos is closed until Monday.\nTwo ships are waiting.',
    'Alice Ciccu (alert) [Fire]: Evacuate the building.',
  ])
  await story.seal()
})

it('accepts chats and stories up to the pool’s limits, also with the original’s limits', async () => {
  await using story = await startStory('size-limits')
  const { uri: desk } = await story.ida.ask('createRoom', { name: 'Desk', category: 'General', privacy: 'open' })
  const alice = await story.signIn('alice')
  const seat = await alice.enter(desk)
  expect(alice.limits).toMatchObject({ chatBytesMax: 4_096, storyBytesMax: 65_536 })
  expect(await refusal(seat.post('x'.repeat(4_097)))).toBe('too-long')
  expect(await refusal(seat.post('x'.repeat(65_537), { title: 'Too long a story' }))).toBe('too-long')

  await story.ida.ask('changeConfiguration', { chatBytesMax: 512, storyBytesMax: 4_096 }, { identity: 'global' })
  const bob = await story.signIn('bob')
  expect(bob.limits).toMatchObject({ chatBytesMax: 512, storyBytesMax: 4_096 })
  const other = await bob.enter(desk)

  // Bytes count, not characters: é is two of them.
  await other.post('é'.repeat(256))
  expect(await refusal(other.post('é'.repeat(257)))).toBe('too-long')
  expect(await refusal(seat.post('é'.repeat(257)))).toBe('too-long')
  await other.post('s'.repeat(4_096), { title: 'As long as the original takes' })
  expect(await refusal(other.post('s'.repeat(4_097), { title: 'One too many' }))).toBe('too-long')
  const { counts } = await story.seal()
  expect(counts).toMatchObject({ chat: 2 })
})
