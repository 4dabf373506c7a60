import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { connect } from '@hansard/client'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { silentLog } from '@hansard/log'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { wsSocket } from '../cli/ws-socket.ts'
import { runCommandLine } from '../command-line.ts'
import { type StandardEdition, startStandardEdition } from '../standard-edition/standard-edition.ts'

const PASSWORD = 'what everybody here says'
let data: string
let pool: StandardEdition
const talking: Talker[] = []

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'hansard-'))
  const common = { port: 0, host: '127.0.0.1', domain: 'example.com', pool: 'test', logLevel: 'silent' }
  pool = await startStandardEdition(
    { ...common, data, runIntervalMs: 3_600_000, operatorPassword: PASSWORD, complianceThread: false },
    { clock: systemClock, log: silentLog },
  )
  for (const account of ['alice', 'bob']) await hansard('users', 'add', account, '--password')
  await hansard('categories', 'add', 'Desk', '--allowed', 'alice', '--allowed', 'bob', '--file-upload', '--invitations')
})
afterAll(async () => {
  await pool?.stop()
  rmSync(data, { recursive: true, force: true })
})

let rooms = 0
let room: string
beforeEach(async () => {
  rooms += 1
  room = `the desk ${rooms}`
  await hansard('rooms', 'create', room, '--category', 'Desk', '--member', 'alice', '--member', 'bob')
})
afterEach(async () => {
  for (const each of talking.splice(0)) await each.quit()
})

async function hansard(...args: string[]) {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
  const env = new Env({ HANSARD_PASSWORD: PASSWORD })
  const exitCode = await runCommandLine([...args, '--data', data], {
    ...streams,
    env,
    stop: new AbortController().signal,
  })
  expect([args, exitCode, String(streams.stderr.read() ?? '')]).toEqual([args, 0, ''])
}

type Told = { readonly event: string } & Record<string, unknown>
type Talker = {
  readonly told: readonly Told[]
  next(event: string): Promise<Told>
  type(line: string, event: string): Promise<Told>
  /** Ends the input; answers the exit code. */
  quit(): Promise<number>
}

/** Somebody at `hansard chat`, who types a line and waits for what comes of it. */
async function talk(account: string): Promise<Talker> {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
  const env = new Env({ HANSARD_PASSWORD: PASSWORD })
  const args = ['chat', room, '--account', account, '--data', data, '--json', '--commands']
  const ended = runCommandLine(args, { ...streams, env, stop: new AbortController().signal })
  const told: Told[] = []
  let heard = () => {}
  let rest = ''
  streams.stdout.on('data', (piece) => {
    const lines = (rest + String(piece)).split('\n')
    rest = lines.pop()!
    told.push(...lines.map((line) => JSON.parse(line) as Told))
    heard()
  })
  let seen = 0
  /** The next event of this kind; those before it are passed over. */
  const next = async (event: string): Promise<Told> => {
    for (;;) {
      const at = told.findIndex((one, index) => index >= seen && one.event === event)
      if (at >= 0) {
        seen = at + 1
        return told[at]!
      }
      const refused = told.findIndex((one, index) => index >= seen && one.event === 'refused')
      if (refused >= 0) throw new Error(`${account} waits for ${event} and is told ${JSON.stringify(told[refused])}`)
      await new Promise<void>((resolve) => {
        heard = resolve
      })
    }
  }
  const talker: Talker = {
    next,
    told,
    type(line, event) {
      streams.stdin.write(`${line}\n`)
      return next(event)
    },
    async quit() {
      streams.stdin.end()
      return ended
    },
  }
  talking.push(talker)
  await next('in-room')
  return talker
}

it('says alerts and stories, and finds and shows what was said', async () => {
  const alice = await talk('alice')
  const bob = await talk('bob')
  await alice.type('/alert  the bank is closed', 'posted')
  await alice.type('/story Minutes of today\nWe met.\n/not a command\n.', 'posted')

  expect(await bob.next('chat')).toMatchObject({ text: 'the bank is closed', alert: true })
  expect(await bob.next('chat')).toMatchObject({ title: 'Minutes of today', text: 'We met.\n/not a command' })
  expect(await bob.type('/find BANK', 'found-chat')).toMatchObject({ chat: 1, roomName: room })
  expect(await bob.next('found')).toMatchObject({ count: 1, exceeded: false })
  expect(await bob.type('/find-all met', 'found-chat')).toMatchObject({ chat: 2, title: 'Minutes of today' })
  expect(await bob.type('/history 1', 'history')).toMatchObject({ more: true })
  expect(await bob.type('/room', 'about-room')).toMatchObject({ privacy: 'closed', mayPost: true })
})

it('asks which room is meant where several have one name', async () => {
  await hansard('categories', 'set', 'Desk', '--add-creator', 'alice')
  await hansard('rooms', 'create', 'twin', '--category', 'Desk', '--privacy', 'secret', '--member', 'bob')
  const account = { account: 'alice', password: PASSWORD }
  const client = await connect({ server: pool.urls.server, ...account, openSocket: wsSocket })
  const { uri } = await client.createRoom({ name: 'twin', category: 'Desk', topic: 'Futures', members: ['bob'] })
  await client.close()
  const bob = await talk('bob')

  const { code, message } = await bob.type('/join twin', 'refused')
  expect(code).toBe('ambiguous-name')
  expect(message).toMatch(/^Several rooms are called "twin": (ma-chan:\S+, )?ma-chan:\S+ \(Futures\)/)
  expect(await bob.type(`/join ${uri}`, 'in-room')).toMatchObject({ room: 'twin', uri })
  // Inside, the name means the one bob is in.
  expect(await bob.type('/part twin', 'out-of-room')).toMatchObject({ uri })
  await bob.type('/rooms twin', 'rooms')
  const listed = bob.told.filter(({ event, name }) => event === 'room' && name === 'twin')
  expect(listed.map((room) => room['uri'])).toContain(uri)
  expect(listed).toHaveLength(2)
  await hansard('rooms', 'set', uri, '--name', 'another twin')
  await hansard('rooms', 'set', 'Desk/twin', '--topic', 'the only one now')
})

it('is told what was replaced, removed and renamed, and by its present name', async () => {
  const alice = await talk('alice')
  const bob = await talk('bob')
  for (const text of ['one', 'two']) await bob.type(text, 'posted')
  await hansard('users', 'set', 'alice', '--add-role', 'administrator')
  await alice.type('/replace 1 uno', 'done')
  await alice.type('/delete 2', 'done')

  expect(await bob.next('chat-replaced')).toMatchObject({ chat: 1, text: 'uno' })
  expect(await bob.next('chat-purged')).toMatchObject({ chat: 2 })
  await hansard('rooms', 'set', room, '--name', `${room} renamed`, '--topic', 'Beans')
  expect(await bob.next('room-changed')).toMatchObject({ room: `${room} renamed`, topic: 'Beans' })
  await hansard('rooms', 'disable', `${room} renamed`)
  expect(await bob.next('closed')).toMatchObject({ room: `${room} renamed`, reason: 'disabled' })
  await hansard('users', 'set', 'alice', '--remove-role', 'administrator')
})

it('follows rooms, keeps feeds and preferences, and hears of invitations and news', async () => {
  const alice = await talk('alice')
  const bob = await talk('bob')
  await alice.type('/follow', 'done')
  expect(await alice.type('/set-feed beans coffee @bob +me', 'done')).toMatchObject({ name: 'beans' })
  await bob.type('coffee is up', 'posted')

  expect(await alice.next('feed-match')).toMatchObject({ feed: 'beans', chat: 1 })
  expect(await alice.type('/feed beans', 'found-chat')).toMatchObject({ text: 'coffee is up' })
  expect(await alice.type('/feeds', 'feed')).toMatchObject({
    filter: { words: ['coffee'], authors: ['sip:bob@example.com'], ego: true },
  })
  expect(await alice.type('/followed', 'followed-room')).toMatchObject({ name: room, unread: 1 })
  await alice.type('/read', 'done')
  expect(await alice.type('/followed', 'followed-room')).toMatchObject({ unread: 0 })
  await alice.type('/unfollow', 'done')
  await alice.type('/drop-feed beans', 'done')
  expect(await alice.type('/preference look dark mode', 'preference')).toMatchObject({ version: 1 })
  expect(await alice.type('/preference look', 'preference')).toMatchObject({ version: 1, content: 'dark mode' })

  const other = `${room} besides`
  await hansard('rooms', 'create', other, '--category', 'Desk', '--member', 'alice', '--member', 'bob')
  await alice.next('invited')
  await alice.type('/invitations', 'invitations')
  expect(alice.told).toContainEqual(expect.objectContaining({ event: 'invitation', roomName: other }))
  await alice.type(`/watch ${other}`, 'done')
  await bob.type(`/join ${other}`, 'in-room')
  await bob.type('news', 'posted')
  expect(await alice.next('new-content')).toMatchObject({ name: other, last: 1 })
})

it('hands files over and takes them, byte for byte, and over none that is there', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-files-'))
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * 31) % 251))
  const sha256 = createHash('sha256').update(content).digest('hex')
  writeFileSync(join(directory, 'prices of today.csv'), content)
  const alice = await talk('alice')
  const bob = await talk('bob')

  expect(await alice.type(`/upload ${join(directory, 'prices of today.csv')}`, 'uploaded')).toMatchObject({ sha256 })
  const { text } = await bob.next('chat')
  expect(text).toMatch(/^prices of today\.csv ma-filelink:\/\/example\.com\/\S+$/)
  const link = String(text).split(' ').at(-1)!
  const target = join(directory, 'taken.csv')
  expect(await bob.type(`/download ${link} ${target}`, 'downloaded')).toMatchObject({ path: target, sha256 })
  expect(readFileSync(target).equals(content)).toBe(true)

  writeFileSync(target, 'mine')
  expect(await bob.type(`/download ${link} ${target}`, 'refused')).toMatchObject({
    message: expect.stringContaining('there already'),
  })
  expect(readFileSync(target, 'utf8')).toBe('mine')
  expect(await bob.type('/upload /nowhere', 'refused')).toMatchObject({
    message: '/nowhere is not a file that can be read.',
  })
  expect(await bob.quit()).toBe(1)
  rmSync(directory, { recursive: true })
})

it('says what a command takes, and posts no half of a story', async () => {
  const alice = await talk('alice')
  for (const line of ['/replace x y', '/delete', '/find', '/more', '/feed', '/join', '/history none', '/nonsense'])
    expect([line, (await alice.type(line, 'refused')).event]).toEqual([line, 'refused'])
  const { text } = await alice.type('/help', 'help')
  for (const command of ['/story TITLE', '/download LINK [PATH]', '/invitations', '//TEXT'])
    expect(text).toContain(command)
  const half = alice.type('/story Half\nno end', 'refused')
  expect(await alice.quit()).toBe(1)
  expect(await half).toMatchObject({ message: expect.stringContaining('has no end') })
  expect(alice.told.filter(({ event }) => event === 'posted')).toEqual([])
})

it('takes piped lines for text: nothing in them is obeyed, and nothing but LF ends them', async () => {
  const said = ['good morning\u2028/join other\u2029/quit\r/upload /etc/passwd', '/quit', '//x', '/me waves', 'third']
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
  const env = new Env({ HANSARD_PASSWORD: PASSWORD })
  const args = ['chat', room, '--account', 'bob', '--data', data, '--json']
  streams.stdin.end(Buffer.concat([Buffer.from(`${said.join('\n')}\n`), Buffer.from('caf\xe9\nlast\r\n', 'latin1')]))

  const exitCode = await runCommandLine(args, { ...streams, env, stop: new AbortController().signal })

  const told = String(streams.stdout.read())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(told.filter(({ event }) => event === 'chat').map(({ text }) => text)).toEqual([...said, 'last'])
  expect(told.filter(({ event }) => event === 'refused')).toMatchObject([
    { message: 'Line 6 of the input was not posted: it is not UTF-8: byte 3 (0xe9).' },
  ])
  expect(exitCode).toBe(1)
})
