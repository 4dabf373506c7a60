import { expect, it } from 'vitest'
import { startStory } from './story.ts'

it('stops join and part notices above the limit, and resumes them below 80 % of it', async () => {
  await using story = await startStory('participants')
  await story.ida.ask('changeConfiguration', { participantUpdateLimit: 4 }, { identity: 'global' })
  const { uri: hall } = await story.ida.ask('createRoom', { name: 'Hall', category: 'General', privacy: 'open' })
  const alice = await story.signIn('alice')
  const seat = await alice.enter(hall)
  const others = []
  for (const account of ['bob', 'carol', 'dan', 'erin', 'ida'] as const) {
    const person = await story.signIn(account)
    others.push({ person, seat: await person.enter(hall) })
  }

  // Six in the room. At four it still sends no notices; three is below 80 % of four.
  for (const { seat: left } of others.slice(2)) await left.part()
  const roster = await seat.roster()
  await others[1]!.seat.part()

  expect(await alice.saw(hall, 'Carol Troup went out')).toEqual([
    'Bob Kelly came in',
    'Carol Troup came in',
    'Dan Park came in',
    'comings and goings are hidden: 5 here',
    'comings and goings are shown: 3 here',
    'Carol Troup went out',
  ])
  expect(roster.map(({ name }) => name)).toEqual(['Alice Ciccu', 'Bob Kelly', 'Carol Troup'])
  // The record has all of them.
  const { counts } = await story.seal()
  expect(counts).toMatchObject({ join: 6, part: 4 })
})
