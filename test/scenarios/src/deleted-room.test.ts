import { expect, it } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

it('lets no entry point find a deleted room, and keeps the record of its chats', async () => {
  await using story = await startStory('deleted-room')
  const room = { name: 'Side letter', category: 'General', members: ['alice', 'bob'], managers: ['carol'] }
  const { uri: letter } = await story.ida.ask('createRoom', room)
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const carol = await story.signIn('carol')
  const seat = await alice.enter(letter)
  await bob.enter(letter)
  await seat.post('Nobody has to know about the side letter.')
  expect(await refusal(carol.deleteRoom(letter))).toBe('not-an-administrator')

  await story.ida.ask('deleteRoom', undefined, { room: letter })

  await alice.saw(letter, 'out: deleted')
  expect(await bob.saw(letter, 'out: deleted')).toEqual([
    'Alice Ciccu: Nobody has to know about the side letter.',
    'out: deleted',
  ])
  expect(await refusal(seat.post('Is anybody still here?'))).toBe('not-joined')
  for (const person of [alice, carol]) {
    expect(await refusal(person.enter(letter))).toBe('no-such-room')
    expect(await refusal(person.room(letter))).toBe('no-such-room')
    expect(await refusal(person.history(letter))).toBe('no-such-room')
    expect(await person.rooms({ all: true })).toEqual([])
  }
  expect(await refusal(story.ida.ask('showRoom', undefined, { room: letter }))).toBe('no-such-room')
  expect(await refusal(story.ida.ask('enableRoom', undefined, { room: letter }))).toBe('no-such-room')
  const again = await story.ida.ask('createRoom', { ...room, name: 'Side letter' })
  expect(again.uri).not.toBe(letter)
  const { strict } = await story.seal()
  expect(strict).toContain('Nobody has to know about the side letter.')
})
