import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PoolOnTheLine, startPoolOnTheLine } from '../command-line-in-test.ts'

let line: PoolOnTheLine
beforeAll(async () => {
  line = await startPoolOnTheLine()
  for (const account of ['alice', 'bob']) await line.addUser(account)
})
afterAll(() => line?.[Symbol.asyncDispose]())

const [alice, bob] = ['sip:alice@example.com', 'sip:bob@example.com']

it('changes all that is named of a room, or nothing', async () => {
  await line.json(['rooms', 'create', 'talk', '--category', 'General', '--topic', 'before'])
  const before = await line.json(['rooms', 'show', 'talk'])
  for (const refused of [
    ['--category', 'Nope'],
    ['--add-member', 'ghost'],
    ['--add-presenter', 'alice'],
    ['--add-in', 'nope'],
  ]) {
    const answer = await line.hansard(['rooms', 'set', 'talk', '--topic', 'partial', ...refused])
    expect([refused, answer.exitCode]).toEqual([refused, 1])
    expect(await line.json(['rooms', 'show', 'talk'])).toEqual(before)
  }

  const lists = ['--add-member', 'alice', '--add-presenter', 'alice']
  const done = await line.json(['rooms', 'set', 'talk', '--name', 'hall', '--type', 'auditorium', ...lists])
  expect(done).toMatchObject({ name: 'hall', type: 'auditorium', dropped: [], dryRun: false })
  expect(done.presenters).toMatchObject([{ uri: alice }])
})

it('tells who was dropped without being named, and from which list', async () => {
  const people = ['alice', 'bob'].flatMap((account) => ['--member', account, '--presenter', account])
  const rest = [...people, '--manager', 'bob']
  await line.json(['rooms', 'create', 'aud', '--category', 'General', '--type', 'auditorium', ...rest])

  const removed = await line.hansard(['rooms', 'set', 'aud', '--remove-member', 'alice'])
  expect(removed.stdout).toContain(`dropped from the presenters: ${alice}\n`)

  await line.json(['categories', 'add', 'Few', '--allowed', 'alice', '--allowed', 'operator'])
  const move = ['rooms', 'set', 'aud', '--category', 'Few']
  const tried = await line.hansard([...move, '--dry-run'])
  for (const list of ['members', 'managers', 'presenters'])
    expect(tried.stdout).toContain(`would be dropped from the ${list}: ${bob}\n`)
  expect(tried.stdout).toMatch(/Nothing was changed\.\n$/)
  expect(await line.json(['rooms', 'show', 'aud'])).toMatchObject({ category: 'General', members: [{ uri: bob }] })

  const normal = await line.json(['rooms', 'set', 'aud', '--type', 'normal'])
  expect(normal).toMatchObject({ dropped: [bob], droppedFrom: { members: [], managers: [], presenters: [bob] } })
  const harmless = await line.hansard(['rooms', 'set', 'aud', '--topic', 'x', '--dry-run'])
  expect(harmless.stdout).toBe('Nobody would be dropped. Nothing was changed.\n')
  expect(await line.json(move)).toMatchObject({ dropped: [bob], droppedFrom: { members: [bob], managers: [bob] } })
})
