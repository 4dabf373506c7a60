import { expect, it } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

it('shows open and closed rooms to everybody in scope, a secret one to its members, and none to a stranger', async () => {
  await using story = await startStory('open-closed-secret')
  await story.ida.ask('addCategory', { name: 'Coffee', allowed: ['ma-grp:*@fourthcoffee.com'] })
  const room = async (name: string, privacy: 'open' | 'closed' | 'secret') =>
    (await story.ida.ask('createRoom', { name, category: 'Coffee', privacy, members: ['alice'] })).uri
  const lobby = await room('Lobby', 'open')
  const desk = await room('Desk', 'closed')
  const deal = await room('Deal', 'secret')
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const lena = await story.signIn('lena')

  const finds = async (person: typeof alice) => (await person.rooms({ all: true })).map(({ name }) => name)
  expect([await finds(alice), await finds(bob), await finds(lena)]).toEqual([
    ['Deal', 'Desk', 'Lobby'],
    ['Desk', 'Lobby'],
    [],
  ])
  expect((await bob.rooms()).map(({ name }) => name)).toEqual(['Lobby'])
  for (const each of [lobby, desk, deal]) await alice.enter(each)
  await bob.enter(lobby)

  expect([await refusal(bob.enter(desk)), await refusal(bob.enter(deal))]).toEqual(['not-a-member', 'no-such-room'])
  expect(await bob.room(desk)).toMatchObject({ name: 'Desk', mayJoin: false, mayPost: false, mayManage: false })
  expect(await refusal(bob.room(deal))).toBe('no-such-room')
  const sealed = await story.seal()
  expect(sealed.counts).toMatchObject({ join: 4 })
})

it('answers a caller without access as for a room that does not exist, and records nothing', async () => {
  await using story = await startStory('stranger-knocks')
  await story.ida.ask('addCategory', { name: 'Coffee', allowed: ['ma-grp:*@fourthcoffee.com'] })
  const privacies = ['open', 'closed', 'secret'] as const
  const rooms: { uri: string }[] = []
  for (const privacy of privacies) {
    const room = { name: `The ${privacy} one`, category: 'Coffee', privacy, members: ['alice'] }
    rooms.push(await story.ida.ask('createRoom', room))
  }
  const alice = await story.signIn('alice')
  const seat = await alice.enter(rooms[0]!.uri)
  await seat.post('Is somebody at the door?')
  const lena = await story.signIn('lena')
  const nowhere = 'ma-chan://fourthcoffee.com/99999999-0000-4000-8000-000000000000'
  const knock = async (uri: string) => {
    const doors = [
      () => lena.enter(uri),
      () => lena.room(uri),
      () => lena.history(uri),
      () => lena.changeRoom(uri, { topic: 'hello' }),
      () => lena.changeRoles(uri, { role: 'member', add: ['lena'] }),
      () => lena.disableRoom(uri),
      () => lena.deleteRoom(uri),
      () => lena.deleteChat(uri, 1),
      () => lena.purgeChats(uri, { words: 'door' }),
    ]
    const answers: string[] = []
    for (const door of doors) {
      const answer = await door().then(
        () => 'let in',
        (error: Error) => error.message,
      )
      answers.push(answer.replaceAll(uri, '<room>'))
    }
    return answers
  }

  const unknown = await knock(nowhere)
  const known = []
  for (const { uri } of rooms) known.push(await knock(uri))

  expect(unknown).not.toContain('let in')
  for (const answers of known) expect(answers).toEqual(unknown)
  expect(await alice.saw(rooms[0]!.uri)).toEqual(['Alice Ciccu: Is somebody at the door?'])
  const { strict, extended } = await story.seal()
  expect(strict).not.toContain('lena@litware.com')
  // That she signed in concerns no room.
  const hers = extended.split('\n').filter((line) => line.includes('lena@litware.com'))
  expect(hers.map((line) => /type="(\w+)"/.exec(line)?.[1])).toEqual(['SIGNIN', 'ASSIGNMENT'])
})
