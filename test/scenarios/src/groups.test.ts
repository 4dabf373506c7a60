import { expect, it } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

it('resolves nested groups and whole domains in every list, from the moment they change', async () => {
  await using story = await startStory('groups')
  const { ida } = story
  const traders = (await ida.ask('addGroup', { name: 'Traders', members: ['alice'] })).uri
  const research = (await ida.ask('addGroup', { name: 'Research', members: ['carol'] })).uri
  const front = (await ida.ask('addGroup', { name: 'Front office', members: [traders, research] })).uri
  const banned = (await ida.ask('addGroup', { name: 'Banned', members: ['lukas'] })).uri
  await ida.ask('addCategory', {
    name: 'Markets',
    allowed: [front, 'ma-grp:*@litware.com'],
    denied: [banned],
    creators: [research],
  })
  const { uri: desk } = await ida.ask('createRoom', { name: 'Desk', category: 'Markets', members: [front] })
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const carol = await story.signIn('carol')
  const lena = await story.signIn('lena')
  const lukas = await story.signIn('lukas')

  // A member of a nested group; no member; in scope through the domain and no member; denied through a group.
  const seat = await alice.enter(desk)
  expect(await refusal(bob.enter(desk))).toBe('no-such-room')
  expect(await refusal(lena.enter(desk))).toBe('not-a-member')
  expect(await refusal(lukas.enter(desk))).toBe('no-such-room')
  expect((await carol.categories()).map(({ name }) => name)).toEqual(['Markets'])

  await ida.ask('changeGroup', { members: { add: ['bob'] } }, { group: 'Traders' })
  const other = await bob.enter(desk)
  await other.post('I am a trader now.')
  await ida.ask('changeGroup', { members: { remove: ['alice'] } }, { group: 'Traders' })
  await alice.saw(desk, 'out: removed')
  await other.post('And Alice is one no more.')

  expect(await alice.heard(desk)).toEqual(['I am a trader now.'])
  expect(await refusal(seat.post('Let me in!'))).toBe('not-joined')
  expect(await refusal(alice.enter(desk))).toBe('no-such-room')

  await ida.ask('changeRoomRoles', { members: { add: ['ma-grp:*@litware.com'] } }, { room: desk })
  await lena.enter(desk)
  await ida.ask('changeGroup', { members: { add: ['ma-grp:*@litware.com'] } }, { group: 'Banned' })
  await lena.saw(desk, 'out: removed')
  expect(await refusal(lena.enter(desk))).toBe('no-such-room')

  expect(await refusal(ida.ask('changeGroup', { members: { add: [front] } }, { group: 'Traders' }))).toBe('invalid')
  expect(await refusal(ida.ask('removeGroup', undefined, { group: 'Banned' }))).toBe('conflict')
  await story.seal()
})
