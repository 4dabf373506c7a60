import { openDatabase } from '@hansard/sql'
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

it('takes a date that ends a range for its whole day, in UTC, and says which moment that is', async () => {
  await line.json(['rooms', 'create', 'dated', '--category', 'General', '--member', 'alice'])
  const db = openDatabase({ url: `sqlite:${line.data}/pool.db` })
  const { id } = await db.knex('room').where({ name: 'dated' }).first('id')
  const { id: author } = await db.knex('principal').where({ account: 'alice' }).first('id')
  const days = [Date.UTC(2020, 10, 27, 12), Date.UTC(2020, 10, 28, 23, 59, 59, 999), Date.UTC(2020, 10, 29)]
  for (const [index, at] of days.entries()) {
    const common = { room_id: id, chat_id: index + 1, posted_at: at, principal_id: author, post: `p${index}` }
    await db.knex('chat').insert({ ...common, content: JSON.stringify(`chat ${index}`) })
  }
  await db.knex('room').where({ id }).update({ last_chat_id: days.length })
  await db.close()
  const day = '2020-11-28'
  const moment = '2020-11-28 23:59:59.999Z'

  const report = await line.json(['usage-report', '--start', day, '--end', day])
  expect(report).toMatchObject({ chats: 1, start: Date.UTC(2020, 10, 28), end: Date.UTC(2020, 10, 29) })
  const told = await line.hansard(['usage-report', '--start', day, '--end', day])
  expect(told.stdout).toContain('From 2020-11-28 00:00:00Z until before 2020-11-29 00:00:00Z: 1 chat')

  const remove = ['chats', 'remove', 'dated', '--from', day, '--to', day, '--dry-run']
  const tried = await line.hansard(remove)
  expect(tried.stdout).toBe(`1 chat posted from 2020-11-28 00:00:00Z through ${moment} would be removed.\n`)
  const clear = ['rooms', 'clear', 'dated', '--through', day]
  expect((await line.hansard([...clear, '--dry-run'])).stdout).toBe(
    `2 chats posted through ${moment} would be removed.\n`,
  )
  expect((await line.hansard(clear)).stderr).toContain(`Remove everything posted in dated through ${moment}?`)
  expect(await line.json([...clear, '--yes'])).toMatchObject({ chats: 2, through: days[1] })
  for (const verb of [clear, remove, ['usage-report']]) {
    const { stdout } = await line.hansard([...verb.slice(0, verb[0] === 'usage-report' ? 1 : 2), '--help'])
    expect(stdout.replace(/\s+/g, ' ')).toContain('to its end, UTC')
  }
})

it('says that there is nothing of a name, rather than that nothing fits', async () => {
  for (const [option, name] of [
    ['--category', 'zzz'],
    ['--member', 'ghost'],
    ['--add-in', 'nonexist'],
  ]) {
    const answer = await line.hansard(['rooms', 'list', option!, name!])
    expect(answer).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining(`"${name}"`) })
  }
})

it.each([
  ['2026-02-30'],
  ['2026-04-31'],
  ['2025-02-29'],
  ['2026-13-01'],
  ['2026-11-28T24:00Z'],
  ['2026-11-28T24:30Z'],
  ['2026-11-28T23:60Z'],
  ['2026-11-31T10:00+01:00'],
  ['2026-11-28T10:00+25:00'],
  ['9999999999999999'],
])('refuses the date %s, which does not exist, before anything is removed', async (date) => {
  const harmless = ['--dry-run', '--yes']
  for (const verb of [
    ['rooms', 'clear', 'dated', '--through', date, ...harmless],
    ['chats', 'remove', 'dated', '--from', date, ...harmless],
    ['usage-report', '--start', date],
  ]) {
    const { exitCode, stderr } = await line.hansard(verb)
    expect([verb, exitCode]).toEqual([verb, 2])
    expect(stderr).toContain('It takes a date such as 2026-11-20')
  }
})

it('takes the 29th of February in a leap year', async () => {
  expect(await line.json(['usage-report', '--start', '2024-02-29', '--end', '2024-02-29'])).toMatchObject({
    start: Date.UTC(2024, 1, 29),
    end: Date.UTC(2024, 2, 1),
  })
})

it('refuses to list no rooms at all, and keeps --json when the usage is wrong', async () => {
  expect(await line.hansard(['rooms', 'list', '--limit', '0'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('It takes a whole number from 1.'),
  })
  for (const [words, message, hint] of [
    [['rooms', 'list', '--limit', '0'], 'whole number from 1', 'hansard rooms list --help'],
    [['rooms', 'show'], "missing required argument 'room'", 'hansard rooms show --help'],
    [['rooms', 'lost'], "unknown command 'lost'", 'hansard rooms --help'],
    [['rooms', 'show', 'x', '--nonsense'], "unknown option '--nonsense'", 'hansard rooms show --help'],
  ] as const) {
    const { exitCode, stdout, stderr } = await line.hansard([...words, '--json'])
    expect([exitCode, stdout, stderr.trim().split('\n').length]).toEqual([2, '', 1])
    expect(JSON.parse(stderr)).toMatchObject({ exitCode: 2, error: expect.stringContaining(message) })
    expect(JSON.parse(stderr).hint).toContain(hint)
  }
})

it('says that a member is one only through a group, instead of removing nothing', async () => {
  await line.json(['groups', 'add', 'Traders', '--member', 'bob'])
  await line.json(['rooms', 'create', 'grouped', '--category', 'General', '--member', 'ma-grp:Traders@example.com'])

  const refused = await line.hansard(['rooms', 'set', 'grouped', '--remove-member', 'bob'])

  expect(refused).toMatchObject({ exitCode: 1, stdout: '' })
  expect(refused.stderr).toContain(`"${bob}" is in the list only through "ma-grp:Traders@example.com"`)
  expect((await line.json(['rooms', 'show', 'grouped'])).members).toHaveLength(1)
  await line.json(['rooms', 'set', 'grouped', '--remove-member', 'ma-grp:Traders@example.com'])
  // Who is in it in no way may be taken away again: the list is then as it was asked for.
  await line.json(['rooms', 'set', 'grouped', '--remove-member', 'bob'])
})

it('lets the creator of a closed room join it', async () => {
  const env = await line.addUser('carol')
  await line.json(['categories', 'add', 'Hers', '--allowed', 'carol', '--creator', 'carol'])
  await line.json(['rooms', 'create', 'her room', '--category', 'Hers', '--as', 'carol'], { env })

  const chat = ['chat', 'her room', '--account', 'carol', '--json']
  const { exitCode, stdout } = await line.hansard(chat, { env, input: 'here I am\n' })

  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('"event":"posted"')])
})

it('adds more accounts than one request takes, and none with a space in its name', async () => {
  const names = Array.from({ length: 1_001 }, (_, n) => `person${n}`)

  const { users } = await line.json(['users', 'add', ...names])

  expect(users.map(({ account }: { account: string }) => account)).toEqual(names)
  expect(await line.hansard(['users', 'add', 'bad name'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('may not hold a space'),
  })
})
