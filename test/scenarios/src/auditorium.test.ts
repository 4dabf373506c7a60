import { expect, it } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

it('lets presenters post in an auditorium, and members read', async () => {
  await using story = await startStory('auditorium')
  const { uri: earnings } = await story.ida.ask('createRoom', {
    name: 'Earnings',
    category: 'General',
    type: 'auditorium',
    members: ['alice', 'bob', 'carol'],
    presenters: ['alice'],
  })
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const stage = await alice.enter(earnings)
  const seat = await bob.enter(earnings)

  await stage.post('Welcome to the call on the third quarter.')
  expect(await refusal(seat.post('May I ask something?'))).toBe('not-a-presenter')
  await story.ida.ask('changeRoomRoles', { presenters: { add: ['bob'] } }, { room: earnings })
  await bob.saw(earnings, 'the room is now Earnings (auditorium), speak')
  await seat.post('Now I may: where does the margin come from?')

  expect([stage.mayPost, seat.mayPost]).toEqual([true, true])
  expect(await bob.saw(earnings)).toEqual([
    'Alice Ciccu: Welcome to the call on the third quarter.',
    'the room is now Earnings (auditorium), speak',
    'Bob Kelly: Now I may: where does the margin come from?',
  ])
  const { strict } = await story.seal()
  expect(strict).not.toContain('May I ask something?')
})
