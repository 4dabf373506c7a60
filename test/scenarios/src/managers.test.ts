import { expect, it } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

it('makes the creator of a closed room its manager and a member, who manages it without joining', async () => {
  await using story = await startStory('managers')
  await story.ida.ask('addCategory', {
    name: 'Research',
    allowed: ['ma-grp:*@fourthcoffee.com'],
    creators: ['carol'],
  })
  const carol = await story.signIn('carol')
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  expect((await carol.categories()).map(({ name }) => name)).toEqual(['Research'])
  expect(await refusal(alice.createRoom({ name: 'Mine', category: 'Research' }))).toBe('not-a-creator')

  const { uri: beans } = await carol.createRoom({ name: 'Beans', category: 'Research', privacy: 'closed' })

  expect(await carol.room(beans)).toMatchObject({
    mayManage: true,
    mayJoin: true,
    members: [{ uri: 'sip:carol@fourthcoffee.com' }],
    managers: [{ uri: 'sip:carol@fourthcoffee.com' }],
  })

  await carol.changeRoles(beans, { role: 'member', add: ['alice', 'bob'] })
  const seat = await alice.enter(beans)
  await bob.enter(beans)
  await seat.post('The robusta is late.')
  expect(await refusal(bob.changeRoles(beans, { role: 'member', remove: ['alice'] }))).toBe('not-a-manager')
  await carol.changeRoles(beans, { role: 'member', remove: ['bob'] })
  await bob.saw(beans, 'out: removed')
  await seat.post('And the arabica too.')

  expect(await bob.saw(beans)).toEqual(['Alice Ciccu: The robusta is late.', 'out: removed'])
  expect(await refusal(bob.enter(beans))).toBe('not-a-member')

  const manager = await carol.enter(beans)
  await manager.post('I have read your complaints.')
  const sealed = await story.seal()
  expect(sealed.extended).toMatch(/<Before><Property name="members" type="list" value="sip:bob@fourthcoffee.com"\/>/)
})
