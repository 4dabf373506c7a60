import { expect, it } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

it('parts everybody from a disabled room at once, keeps its content, and lets only an administrator enable it', async () => {
  await using story = await startStory('disabled-room')
  const { uri: desk } = await story.ida.ask('createRoom', {
    name: 'Desk',
    category: 'General',
    privacy: 'closed',
    members: ['alice', 'bob'],
    managers: ['carol'],
  })
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const carol = await story.signIn('carol')
  const dan = await story.signIn('dan')
  const seat = await alice.enter(desk)
  await bob.enter(desk)
  await seat.post('Sell at forty.')

  await carol.disableRoom(desk)

  await alice.saw(desk, 'out: disabled')
  expect(await bob.saw(desk, 'out: disabled')).toEqual(['Alice Ciccu: Sell at forty.', 'out: disabled'])
  expect(await refusal(seat.post('Sell at thirty-nine.'))).toBe('not-joined')
  expect([await refusal(alice.enter(desk)), await refusal(alice.history(desk))]).toEqual([
    'room-disabled',
    'room-disabled',
  ])
  expect(await refusal(dan.room(desk))).toBe('no-such-room')
  expect([await alice.rooms({ all: true }), await dan.rooms({ all: true })]).toEqual([[], []])
  expect((await carol.rooms({ all: true })).map(({ name, disabled }) => [name, disabled])).toEqual([['Desk', true]])
  expect(await refusal(carol.enableRoom(desk))).toBe('not-an-administrator')
  expect(await refusal(carol.changeRoom(desk, { topic: 'closed for now' }))).toBe('room-disabled')

  await story.ida.ask('enableRoom', undefined, { room: desk })

  await alice.enter(desk)
  expect((await alice.history(desk)).chats.map(({ text }) => text)).toEqual(['Sell at forty.'])
  expect(await carol.room(desk)).toMatchObject({
    members: [{ name: 'Alice Ciccu' }, { name: 'Bob Kelly' }],
    managers: [{ name: 'Carol Troup' }, { name: 'Ida Novak' }],
  })
  await story.seal()
})
