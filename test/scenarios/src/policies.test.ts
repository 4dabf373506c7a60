import { expect, it } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

it('admits only users whom a policy enables; a user’s own overrides the pool’s and the global one', async () => {
  await using story = await startStory('policies')
  const { uri: desk } = await story.ida.ask('createRoom', { name: 'Desk', category: 'General', privacy: 'open' })
  const bob = await story.signIn('bob')
  const carol = await story.signIn('carol')
  const seat = await carol.enter(desk)
  await bob.enter(desk)
  await story.ida.ask('addPolicy', { identity: 'Traders', enabled: true })
  await story.ida.ask('addPolicy', { identity: 'Gardening leave', enabled: false })
  await story.ida.ask('grantPolicy', { users: ['alice', 'carol', 'ida'], policy: 'Traders' })

  await story.ida.ask('changePolicy', { enabled: false }, { policy: 'global' })

  await bob.noticed('signed out: The policy that holds for this account does not let it use the pool.')
  expect(await refusal(story.signIn('bob'))).toBe('not-enabled')
  await (await story.signIn('alice')).enter(desk)
  await seat.post('Only traders are here now.')

  await story.ida.ask('addPolicy', { identity: 'pool:fourth-coffee', enabled: true })
  const again = await story.signIn('bob')
  await again.enter(desk)
  await story.ida.ask('grantPolicy', { users: ['bob'], policy: 'Gardening leave' })
  await again.noticed('signed out: The policy that holds for this account does not let it use the pool.')
  expect(await refusal(story.signIn('bob'))).toBe('not-enabled')
  await seat.post('Bob is on gardening leave.')

  expect(await bob.heard(desk)).toEqual([])
  expect(await again.heard(desk)).toEqual([])
  await story.seal()
})
