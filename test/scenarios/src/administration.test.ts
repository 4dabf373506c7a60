import { expect, it } from 'vitest'
import { startStory } from './story.ts'

it('exports the actor, old and new value of every change, counts it in the strict manifest, and omits it from the strict document', async () => {
  await using story = await startStory('administration')
  const { ida } = story
  const alice = await story.signIn('alice')

  await ida.ask('addUsers', { users: [{ account: 'frank', displayName: 'Frank Lee', password: 'not to be told' }] })
  await ida.ask('changeUser', { displayName: 'Frank Lee Junior', email: 'frank@fourthcoffee.com' }, { user: 'frank' })
  await ida.ask('changeUser', { roles: { add: ['auditor'] } }, { user: 'frank' })
  await ida.ask('setPassword', { account: 'frank', password: 'neither is this one' })
  await ida.ask('changeUser', { disabled: true }, { user: 'frank' })
  await ida.ask('addGroup', { name: 'Traders', members: ['alice', 'bob'] })
  await ida.ask('changeGroup', { members: { set: ['bob', 'carol'] } }, { group: 'Traders' })
  await ida.ask('addAddIn', { name: 'Quotes', url: 'https://quotes.fourthcoffee.com/' })
  await ida.ask('changeAddIn', { url: 'https://quotes2.fourthcoffee.com/' }, { addIn: 'Quotes' })
  await ida.ask('addCategory', { name: 'Markets', allowed: ['ma-grp:*@fourthcoffee.com'] })
  await ida.ask('changeCategory', { fileUpload: true, denied: { add: ['dan'] } }, { category: 'Markets' })
  const { uri: desk } = await ida.ask('createRoom', { name: 'Desk', category: 'Markets', addIn: 'Quotes' })
  await ida.ask('changeRoom', { privacy: 'open', topic: 'Coffee', description: 'Trading' }, { room: desk })
  await ida.ask('changeRoomRoles', { members: { add: ['alice'] }, managers: { set: ['bob'] } }, { room: desk })
  const seat = await alice.enter(desk)
  await seat.post('The one thing that was said.')
  await ida.ask('changeConfiguration', { defaultChatHistory: 50 }, { identity: 'global' })
  await ida.ask('changeConfiguration', { defaultChatHistory: 60 }, { identity: 'global' })
  await ida.ask('addPolicy', { identity: 'Everybody', enabled: true, description: 'may talk' })
  await ida.ask('grantPolicy', { users: ['alice'], policy: 'Everybody' })
  await ida.ask('changePolicy', { description: 'may talk at any time' }, { policy: 'Everybody' })
  await ida.ask('addEndpoint', { uri: 'sip:ocschat@fourthcoffee.com', displayName: 'Chat' })
  await ida.ask('removeEndpoint', undefined, { endpoint: 'sip:ocschat@fourthcoffee.com' })
  await ida.ask('removePolicy', undefined, { policy: 'Everybody' })
  await ida.ask('removeConfiguration', undefined, { identity: 'global' })
  await ida.ask('removeAddIn', undefined, { addIn: 'Quotes' })
  await ida.ask('removeGroup', undefined, { group: 'Traders' })

  await ida.ask('changeUser', { roles: { add: ['operator', 'officer'] } }, { user: 'ida' })
  const { configurations } = await ida.ask('listComplianceConfigurations')
  const { identity, settings } = configurations.find((one) => one.settings.adapterType === 'xml-extended')!
  await ida.ask('putComplianceConfiguration', { ...settings, eventsPerFileMax: 5_000 }, { identity })

  const { strict, extended, omitted, counts } = await story.seal()
  const changes = [...extended.matchAll(/<Message type="CHANGE".*<\/Message>/g)].map(([line]) => line)
  const { 'sign-in': signIns, assignment } = counts
  expect(signIns).toBeGreaterThan(0)
  expect(omitted).toEqual({ change: changes.length, 'sign-in': signIns, assignment })
  expect(counts).toMatchObject({ change: changes.length, chat: 1, join: 1 })
  expect(strict).not.toContain('CHANGE')
  for (const change of changes) expect(change).toContain('<Sender UserName="Ida Novak"')
  // One event per request, and one more where a deleted policy or add-in was in use.
  const subjects = Object.groupBy(changes, (line) => /subjectType="([^"]+)"/.exec(line)![1]!)
  expect(Object.fromEntries(Object.entries(subjects).map(([subject, lines]) => [subject, lines!.length]))).toEqual({
    'add-in': 3,
    category: 2,
    'compliance-configuration': 1,
    endpoint: 2,
    group: 3,
    policy: 3,
    'pool-configuration': 3,
    room: 4,
    user: 8,
  })
  expect(extended).not.toMatch(/not to be told|neither is this one/)
})
