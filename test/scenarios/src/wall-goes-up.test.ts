import { expect, it } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

it('removes participants at the moment a wall goes up, and delivers no later chat to them', async () => {
  await using story = await startStory('wall-goes-up')
  await story.ida.ask('addCategory', {
    name: 'Joint ventures',
    allowed: ['ma-grp:*@fourthcoffee.com', 'ma-grp:*@litware.com', 'lena'],
  })
  const { uri: venture } = await story.ida.ask('createRoom', {
    name: 'Venture',
    category: 'Joint ventures',
    privacy: 'closed',
    members: ['alice', 'ma-grp:*@litware.com', 'lena'],
  })
  const alice = await story.signIn('alice')
  const lena = await story.signIn('lena')
  const lukas = await story.signIn('lukas')
  const seat = await alice.enter(venture)
  const partner = await lena.enter(venture)
  await lukas.enter(venture)
  await seat.post('Everybody may hear this.')

  // Allowed by name, a member by name, and both through the domain too: one denial overrides all of them.
  await story.ida.ask('changeCategory', { denied: { add: ['lena'] } }, { category: 'Joint ventures' })
  await lukas.saw(venture, 'Lena Ehrlich went out')
  await seat.post('Lena may not hear this.')

  expect(await lena.saw(venture, 'out: removed')).toEqual([
    'Lukas Keller came in',
    'Alice Ciccu: Everybody may hear this.',
    'out: removed',
  ])
  expect(await refusal(partner.post('I would like to say something.'))).toBe('not-joined')
  expect(await refusal(lena.enter(venture))).toBe('no-such-room')
  expect(await refusal(lena.history(venture))).toBe('no-such-room')
  expect(await lena.rooms({ all: true })).toEqual([])
  expect(await lukas.saw(venture)).toEqual([
    'Alice Ciccu: Everybody may hear this.',
    'Lena Ehrlich went out',
    'Alice Ciccu: Lena may not hear this.',
  ])
  const { extended, strict } = await story.seal()
  expect(extended).toMatch(/<Message type="PART"[^>]* reason="removed"[^>]*><Sender UserName="Lena Ehrlich"/)
  expect(strict).not.toContain('I would like to say something.')
})
