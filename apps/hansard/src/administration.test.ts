import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { openDatabase } from '@hansard/sql'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PoolOnTheLine, startPoolOnTheLine } from './command-line-in-test.ts'

let line: PoolOnTheLine
beforeAll(async () => {
  line = await startPoolOnTheLine()
})
afterAll(() => line?.[Symbol.asyncDispose]())

it('shows managers and creators the categories they may make rooms in, and the add-ins', async () => {
  const env = await line.addUser('frank')
  const as = ['--as', 'frank']
  for (const verb of [
    ['categories', 'list'],
    ['add-ins', 'list'],
  ])
    expect(await line.hansard([...verb, ...as], { env })).toMatchObject({ exitCode: 1 })
  await line.json(['categories', 'add', 'Own', '--allowed', 'frank', '--creator', 'frank', '--description', 'mine'])
  await line.json(['add-ins', 'add', 'board', 'https://example.com/board'])

  const shown = await line.hansard(['categories', 'list', ...as], { env })
  expect(shown).toMatchObject({ exitCode: 0, stdout: 'CATEGORY  DESCRIPTION\nOwn       mine\n' })
  expect(await line.json(['add-ins', 'list', ...as], { env })).toMatchObject({ addIns: [{ name: 'board' }] })
  expect((await line.hansard(['categories', 'show', 'Own', ...as], { env })).exitCode).toBe(1)
})

it('ends no series of exports without being told to, and shows which have ended', async () => {
  const config = 'compliance-config'
  await line.json([config, 'set', 'adapter:two', '--add-user-details', 'on'])
  const asked = await line.hansard([config, 'remove', 'adapter:two'])
  expect(asked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('The series of exports two ends') })
  const renamed = await line.hansard([config, 'set', 'adapter:two', '--adapter-name', 'three'])
  expect(renamed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('The series of exports two ends') })
  // An adapter is one as soon as the worker has taken it up.
  await expect.poll(async () => (await line.json(['seal'])).exports.length, { timeout: 60_000 }).toBe(4)

  const removed = await line.hansard([config, 'remove', 'adapter:two', '--yes'])
  expect(removed.stdout).toBe(
    'adapter:two has been removed. The series of exports two ends: nothing more is written to it.\n',
  )
  await expect
    .poll(async () => (await line.hansard(['status'])).stdout, { timeout: 60_000 })
    .toMatch(/The series two has ended: nothing has been written to it since two\/\d+, sealed /)
  const reset = await line.hansard([config, 'remove', 'global', '--yes'])
  expect(reset.stdout).toBe('global is back to its defaults.\n')
  expect((await line.json([config, 'list'])).configurations).toMatchObject([
    { identity: 'adapter:xml-extended' },
    { identity: 'global' },
  ])
}, 90_000)

it('takes single settings back, and a stylesheet', async () => {
  const set = ['config', 'set', 'service:channel-1']
  await line.json([...set, '--story-bytes', '100', '--chat-bytes', '90'])
  expect(await line.json(['config', 'unset', 'service:channel-1', 'story-bytes'])).toMatchObject({
    settings: { chatBytesMax: 90 },
  })
  expect(await line.hansard(['config', 'unset', 'service:channel-1', 'nope'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('There is no setting nope.'),
  })
  expect((await line.hansard(['config', 'unset', 'service:other', 'chat-bytes'])).exitCode).toBe(1)

  const file = join(line.data, 'sheet.xslt')
  writeFileSync(file, '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>')
  const adapter = ['compliance-config', 'set', 'adapter:own']
  const own = await line.json([...adapter, '--stylesheet', file, '--events-per-file', '7'])
  expect(own.settings).toHaveProperty('customConfiguration')
  expect((await line.json([...adapter, '--no-stylesheet'])).settings).toEqual({ eventsPerFileMax: 7 })
  const past = ['compliance-config', 'set', 'adapter:past', '--from']
  expect((await line.json([...past, 'beginning'])).settings).toEqual({ exportFrom: 0 })
  expect((await line.json([...past, '2026-11-20'])).settings).toEqual({ exportFrom: Date.UTC(2026, 10, 20) })
  expect(await line.hansard([...past, 'yesterday'])).toMatchObject({ exitCode: 2 })
  const unset = await line.json(['compliance-config', 'unset', 'adapter:own', 'events-per-file'])
  expect(unset.settings).toEqual({})
})

it('says what an option takes, by its own name, before anything is asked of the pool', async () => {
  const wrong: [string[], RegExp][] = [
    [['users', 'set', 'frank', '--add-role', 'king'], /--add-role.*one of administrator, operator, officer, auditor/],
    [['users', 'add', 'x', '--role', 'king'], /--role.*one of administrator/],
    [['config', 'set', 'global', '--story-bytes', '50'], /--story-bytes.*from 64 to 262144/],
    [['chats', 'remove', 'desk', '--words', 'x', '--replace', ''], /--replace takes the text/],
    [['rooms', 'clear', 'desk', '--through', 'friday'], /--through.*a date such as/],
  ]
  for (const [args, message] of wrong) {
    const answer = await line.hansard(args)
    expect(answer).toMatchObject({ exitCode: 2, stdout: '' })
    expect(answer.stderr).toMatch(message)
  }
  const told = await line.hansard(['compliance-config', 'set', 'adapter:x', '--adapter-name', 'Not So'])
  expect(told.stderr).toMatch(/^hansard: --adapter-name: takes lower-case letters/)
  const directory = await line.hansard(['compliance-config', 'set', 'adapter:x', '--run-interval', '5m'])
  expect(directory.stderr).toContain('set the run interval in global')
  const { stderr } = await line.hansard(['rooms', 'set', 'desk', '--privacy', 'nope'])
  expect(stderr).toContain('(hansard rooms set --help tells how it is used)')
  expect((await line.hansard(['chat', '--as', 'frank'])).stderr).toContain("unknown option '--as'")
})

it('asks before a group is removed, unless there is none', async () => {
  await line.json(['groups', 'add', 'Desk'])
  expect(await line.hansard(['groups', 'remove', 'Desk'])).toMatchObject({ exitCode: 2 })
  expect((await line.hansard(['groups', 'remove', 'Nope'])).stderr).toMatch(/no group "Nope"/i)
  expect((await line.hansard(['groups', 'remove', 'Desk', '--yes'])).exitCode).toBe(0)
})

it('says whether there is anybody, where nobody is asked for', async () => {
  const none = await line.json(['principals', 'eligible', '--category', 'General', '--limit', '0'])
  expect(none).toEqual({ principals: [], more: true })
})

it('remarks that a service is unknown, and refuses the name of a policy that would count for nobody', async () => {
  const shown = await line.hansard(['config', 'show', '--service', 'nope'])
  expect(shown).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('No service "nope" has ever started') })
  expect((await line.hansard(['config', 'show', '--service', 'channel-1'])).stderr).toBe('')
  const policy = await line.hansard(['policies', 'add', 'Site:X', '--enabled'])
  expect(policy).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('site:<name> or pool:<name>') })
})

it('seals for an operator, who may not look at what was sealed', async () => {
  const env = await line.addUser('oda', '--role', 'operator')
  const sealed = await line.json(['seal', '--as', 'oda'], { env })
  expect(sealed.exports.length).toBeGreaterThan(0)
  expect(sealed).not.toHaveProperty('document')
  expect(await line.json(['seal'])).toHaveProperty('document')
})

it('says that the pool’s state switches nothing, and shows it', async () => {
  const told = await line.hansard(['pool', 'state', 'failed-over'])
  expect(told.stdout).toMatch(/^test: failed-over\n.*switches nothing/)
  expect((await line.hansard(['status'])).stdout).toContain('test, said to be failed-over')
  await line.json(['pool', 'state', 'normal'])
})

it('says of a disabled account that it may not use the pool', async () => {
  await line.addUser('dis')
  const disabled = await line.hansard(['users', 'set', 'dis', '--disabled', 'on'])
  expect(disabled.stdout).toMatch(/^may use the pool +no: the account is disabled$/m)
})

it('says which of the two accounts failed a test of the pool, and at what', async () => {
  await line.json(['rooms', 'create', 'test room', '--category', 'General', '--member', 'frank'])
  await line.addUser('gina')
  const env = { HANSARD_SENDER_PASSWORD: 'franks password', HANSARD_RECEIVER_PASSWORD: 'ginas password' }
  const test = ['test-chat', 'test room', '--sender', 'frank', '--receiver', 'gina']
  const outside = await line.hansard(test, { env })
  expect(outside.exitCode).toBe(1)
  expect(outside.stderr).toContain('gina (receiver) could not come into test room: ')
  expect(outside.stderr).toContain('is the account a member')
  const wrong = await line.hansard(test, { env: { ...env, HANSARD_SENDER_PASSWORD: 'not it' } })
  expect(wrong.stderr).toContain('frank could not sign in: Account or password is wrong.')
  await line.json(['rooms', 'set', 'test room', '--add-member', 'gina'])
  expect(await line.json(test, { env })).toMatchObject({ result: 'success' })

  await line.json(['rooms', 'remove', 'test room', '--yes'])
  await line.json(['rooms', 'add', 'test room'])
  const { stdout } = await line.hansard(['usage-report'])
  expect(stdout).toMatch(/^test room \(deleted\) /m)
})

it('tells somebody who was disabled while inside what happened', async () => {
  const env = await line.addUser('eve')
  await line.json(['rooms', 'add', 'open room'])
  const input = new PassThrough()
  const talking = line.talk(['chat', 'open room', '--account', 'eve', '--json'], { env, input })
  await talking.heard('in-room')
  await line.json(['users', 'set', 'eve', '--disabled', 'on'])
  expect(await talking.heard('"message"')).toContain('it was disabled, or its password was changed')
  input.end()
  await talking.done
}, 60_000)

it('says that no active server is running, and not that the pool is not', async () => {
  const db = openDatabase({ url: `sqlite:${line.data}/pool.db` })
  const named = (names: string[]) => {
    const row = { name: 'active-servers', value: JSON.stringify(names) }
    return db.knex('pool_setting').insert(row).onConflict('name').merge()
  }
  await named(['gone'])
  const env = { HANSARD_PASSWORD: 'ginas password' }
  const turned = await line.hansard(['chat', '--commands', '--account', 'gina'], { env, input: '/rooms\n' })
  await named([])
  await db.close()

  expect(turned.exitCode).toBe(2)
  expect(turned.stderr).toContain('None of the active servers is running with a free slot.')
  expect(turned.stderr).not.toContain('Is the pool running?')
})
