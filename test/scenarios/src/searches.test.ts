import { expect, it } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

it('records every search in each room it read, with its query, even without a match', async () => {
  await using story = await startStory('searches')
  const rooms: string[] = []
  for (const name of ['Desk', 'Floor'] as const) {
    const room = { name, category: 'General', members: ['alice', 'bob'] }
    rooms.push((await story.ida.ask('createRoom', room)).uri)
  }
  const { uri: vault } = await story.ida.ask('createRoom', { name: 'Vault', category: 'General', members: ['alice'] })
  const [desk, floor] = rooms as [string, string]
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  await (await alice.enter(desk)).post('The arabica contract is signed.')
  await (await alice.enter(floor)).post('Arabica is up.')
  await (await alice.enter(vault)).post('The arabica contract is worth nothing.')

  const everywhere = await bob.search({ words: 'arabica' })
  const phrase = await bob.search({
    words: 'arabica contract',
    match: 'phrase',
    authors: ['sip:alice@fourthcoffee.com'],
  })
  const nothing = await bob.search({ words: 'robusta' }, { rooms: [desk] })
  const nowhere = await bob.search({ words: 'cocoa' })

  const lines = ({ chats }: typeof everywhere) => chats.map(({ roomName, text }) => `${roomName}: ${text}`)
  expect(lines(everywhere)).toEqual(['Floor: Arabica is up.', 'Desk: The arabica contract is signed.'])
  expect(lines(phrase)).toEqual(['Desk: The arabica contract is signed.'])
  expect([lines(nothing), lines(nowhere)]).toEqual([[], []])
  expect(await refusal(bob.search({ words: 'arabica' }, { rooms: [vault] }))).toBe('not-a-member')
  const { strict, counts } = await story.seal()
  expect(counts).toMatchObject({ backchat: 5 })
  for (const query of ['arabica', 'robusta', 'cocoa'])
    expect(strict).toMatch(new RegExp(`BACKCHAT" content="[^"]*${query}`))
})
