import { expect, it } from 'vitest'
import { startStory } from './story.ts'

it('invites new members, and the users of new groups, unless the room or its category disables it', async () => {
  await using story = await startStory('invitations')
  const { ida } = story
  const { uri: traders } = await ida.ask('addGroup', { name: 'Traders', members: ['bob', 'carol', 'lukas'] })
  const fourthCoffee = 'ma-grp:*@fourthcoffee.com'
  await ida.ask('addCategory', { name: 'Inviting', allowed: [fourthCoffee], invitations: true })
  await ida.ask('addCategory', { name: 'Silent', allowed: [fourthCoffee] })
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const dan = await story.signIn('dan')
  const lukas = await story.signIn('lukas')

  const members = ['alice', traders]
  const { uri: desk } = await ida.ask('createRoom', { name: 'Desk', category: 'Inviting', members })
  await ida.ask('createRoom', { name: 'Quiet', category: 'Inviting', members, invitations: 'off' })
  await ida.ask('createRoom', { name: 'Silent too', category: 'Silent', members })
  await alice.noticed('invited')
  await ida.ask('changeRoomRoles', { members: { add: ['dan'] } }, { room: desk })
  await dan.noticed('invited')

  const invited = async (person: typeof alice) =>
    (await person.invitations()).invitations.map(({ roomName, from }) => `${roomName} by ${from.name}`)
  expect({ alice: await invited(alice), bob: await invited(bob), dan: await invited(dan) }).toEqual({
    alice: ['Desk by Ida Novak'],
    bob: ['Desk by Ida Novak'],
    dan: ['Desk by Ida Novak'],
  })
  // A trader of Litware: a member through the group, but behind the wall.
  expect([await invited(lukas), await lukas.noticed()]).toEqual([[], []])
  expect(await alice.noticed()).toEqual(['invited'])
  const { invitation: last } = (await alice.invitations()).invitations.at(-1)!
  expect(await alice.invitations({ after: last })).toEqual({ invitations: [], more: false })

  // A removed member is no longer shown an invitation to a room they may not join.
  await ida.ask('changeRoomRoles', { members: { remove: ['dan'] } }, { room: desk })
  await ida.ask('changeRoom', { privacy: 'secret' }, { room: desk })
  expect(await invited(dan)).toEqual([])
  await story.seal()
})
