import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { silentLog } from '@hansard/log'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommandLine } from './command-line.ts'
import { planCorpus } from './replay/corpus-plan.ts'
import { type StandardEdition, startStandardEdition } from './standard-edition/standard-edition.ts'

const OPERATOR = { HANSARD_ADMIN_PASSWORD: 'the operator of these tests' }
const CORPUS = new URL('../../../fixtures/corpus', import.meta.url).pathname

let data: string
let pool: StandardEdition

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'hansard-'))
  pool = await startStandardEdition(
    {
      data,
      port: 0,
      host: '127.0.0.1',
      runIntervalMs: 60 * 60_000,
      domain: 'example.com',
      pool: 'test',
      operatorPassword: OPERATOR.HANSARD_ADMIN_PASSWORD,
      logLevel: 'silent',
      complianceThread: false,
    },
    { clock: systemClock, log: silentLog },
  )
})
afterAll(async () => {
  await pool.stop()
  rmSync(data, { recursive: true, force: true })
})

/** Runs a command line as a process would, and answers what it wrote. */
async function hansard(
  args: readonly string[],
  { env = {}, input }: { env?: Record<string, string>; input?: string } = {},
) {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const stdin = new PassThrough()
  stdin.end(input ?? '')
  const exitCode = await runCommandLine(args, {
    stdin,
    stdout,
    stderr,
    env: new Env(env),
    stop: new AbortController().signal,
  })
  const written = (stream: PassThrough) => String(stream.read() ?? '')
  return { exitCode, stdout: written(stdout), stderr: written(stderr) }
}

const json = async (args: readonly string[], options?: Parameters<typeof hansard>[1]) => {
  const { stdout, exitCode, stderr } = await hansard([...args, '--json'], options)
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  return JSON.parse(stdout)
}

describe('without a pool', () => {
  it('tells what there is, for every verb', async () => {
    const { stdout, exitCode } = await hansard(['--help'])
    expect(exitCode).toBe(0)
    for (const verb of [
      'start',
      'chat',
      'replay',
      'seal',
      'exports',
      'verify',
      'status',
      'users',
      'rooms',
      'quarantine',
      'sources',
      'leases',
    ])
      expect(stdout).toContain(`\n  ${verb}`)
    const verbs = [
      'start',
      'chat',
      'replay',
      'seal',
      'exports list',
      'exports show',
      'exports files',
      'exports replay',
      'verify',
      'status',
      'users add',
      'users list',
      'users passwd',
      'rooms add',
      'rooms list',
      'quarantine list',
      'quarantine retry',
      'sources declare-dead',
      'leases list',
      'leases break',
    ]
    for (const verb of verbs) {
      const help = await hansard([...verb.split(' '), '--help'])
      expect([verb, help.exitCode]).toEqual([verb, 0])
      expect(help.stdout).toContain('--json')
    }
  })

  it('answers wrong usage with 2', async () => {
    const wrong = [
      [],
      ['nope'],
      ['replay'],
      ['verify'],
      ['start', '--port', 'x'],
      ['start', '--interval', '5s', '--data', '/dev/null/x'],
      ['status', '--server', 'not a url'],
      ['status', '--server', 'http://127.0.0.1:9', '--data', 'x'],
      ['exports', 'show', 'xml', '--server', 'http://127.0.0.1:9'],
      ['replay', CORPUS, '--speed', 'fast'],
      ['replay', '/nowhere'],
      ['replay', CORPUS, join(CORPUS, readdirSync(CORPUS).find((name) => name.endsWith('.log'))!)],
      ['users', 'add', ' spaced '],
      ['rooms', 'add', ''],
    ]
    for (const args of wrong) expect([args, (await hansard(args)).exitCode]).toEqual([args, 2])
  })

  it('refuses a data directory that cannot be one, at once', async () => {
    for (const directory of ['/proc/x', '/dev/null/x', '/dev/null']) {
      const { exitCode, stderr } = await hansard(['start', '--data', directory, '--port', '0'])
      expect([directory, exitCode]).toEqual([directory, 2])
      expect(stderr).toContain(`${directory} cannot hold a pool`)
    }
  })

  it('answers 2, and what to do, when no pool can be reached', async () => {
    const nobody = await hansard(['status', '--data', '/nowhere'])
    expect(nobody).toMatchObject({ exitCode: 2 })
    expect(nobody.stderr).toContain('hansard start')
    const silent = await hansard(['status', '--server', 'http://127.0.0.1:9', '--json'], { env: OPERATOR })
    expect(JSON.parse(silent.stderr)).toMatchObject({ exitCode: 2 })
    expect((await hansard(['verify', '/nowhere'])).exitCode).toBe(2)
  })
})

it('asks for the operator’s password where it has no right to the data directory, and for nothing where it has', async () => {
  const { server } = pool.urls
  expect((await hansard(['status', '--data', data])).exitCode).toBe(0)
  expect((await hansard(['status', '--server', server], { env: OPERATOR })).exitCode).toBe(0)
  expect((await hansard(['status', '--server', server])).exitCode).toBe(2)
  const wrong = await hansard(['status', '--server', server], { env: { HANSARD_ADMIN_PASSWORD: 'not the password' } })
  expect(wrong.exitCode).toBe(1)
})

it('starts nothing on a port that is taken, and makes no operator whose password nobody was told', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'hansard-'))
  const port = new URL(pool.urls.server).port
  const { exitCode, stdout, stderr } = await hansard(['start', '--data', elsewhere, '--port', port])
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: `hansard: Port ${port} is in use: choose another with --port\n`,
  })
  expect(readdirSync(elsewhere)).toEqual(['lock.db'])
  rmSync(elsewhere, { recursive: true, force: true })
})

it('refuses an operator’s password that is too short, in one line', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'hansard-'))
  const env = { HANSARD_ADMIN_PASSWORD: 'short' }
  const { exitCode, stderr } = await hansard(['start', '--data', elsewhere, '--port', '0'], { env })
  expect(exitCode).toBe(2)
  expect(stderr).toMatch(/^hansard: .*HANSARD_ADMIN_PASSWORD.*at least 8 characters\.\n$/)
  rmSync(elsewhere, { recursive: true, force: true })
})

it('sends no token to another program on the port of a killed pool', async () => {
  const killed = mkdtempSync(join(tmpdir(), 'hansard-'))
  const run = JSON.parse(readFileSync(join(data, 'run.json'), 'utf8'))
  const { pid } = spawnSync(process.execPath, ['--version'])
  writeFileSync(join(killed, 'run.json'), JSON.stringify({ ...run, pid }))
  const { exitCode, stderr } = await hansard(['status', '--data', killed])
  expect(exitCode).toBe(2)
  expect(stderr).toContain('No pool is running')
  rmSync(killed, { recursive: true, force: true })
})

it('refuses a new password that is too short before anything is asked of the pool', async () => {
  const env = { HANSARD_PASSWORD: 'short' }
  const { exitCode, stderr } = await hansard(['users', 'add', 'shorty', '--password', '--data', data], { env })
  expect(exitCode).toBe(2)
  expect(stderr).toContain('at least 8 characters')
})

it('lets a script talk, and tells what was refused by the exit code', async () => {
  await json(['rooms', 'add', 'desk', '--data', data])
  await json(['users', 'add', 'alice', '--password', '--data', data], { env: { HANSARD_PASSWORD: 'alices password' } })
  const chat = (input: string) =>
    hansard(['chat', 'desk', '--commands', '--account', 'alice', '--data', data, '--json'], {
      env: { HANSARD_PASSWORD: 'alices password' },
      input,
    })

  const good = await chat('hello\n/me waves\n//not a command\n/who\n/history 2\n')

  expect(good.exitCode).toBe(0)
  const events = good.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(events.filter(({ event }) => event === 'posted').map(({ chat: id }) => id)).toEqual([1, 2, 3])
  const heard = events.filter(({ event }) => event === 'chat').map(({ text }) => text)
  expect(heard).toEqual(['hello', '/me waves', '/not a command', '/me waves', '/not a command'])
  const looked = await chat('/rooms desk\n/rooms nothing of the kind\n')
  const lists = looked.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ event }) => event === 'rooms')
  expect(lists).toMatchObject([{ rooms: [{ name: 'desk' }] }, { rooms: [] }])
  const where = await json(['rooms', 'list', '--joined', 'alice', '--filter', 'd*', '--data', data])
  expect(where.rooms).toEqual([])
  const bad = await chat('/join nowhere\n/nonsense\n')
  expect(bad.exitCode).toBe(1)
  expect(bad.stdout).toContain('no-such-room')
})

it('tells of an account that exists already, and changes nothing', async () => {
  const first = await json(['users', 'add', 'bob', '--data', data])
  const second = await hansard(['users', 'add', 'bob', '--json', '--data', data])
  expect(first.users[0]).toMatchObject({ account: 'bob', created: true, key: expect.any(String) })
  expect(second.exitCode).toBe(1)
  expect(JSON.parse(second.stdout).users[0]).not.toHaveProperty('key')
})

/** The chats of a piece of a document, by a reader that shares nothing with the one who wrote it. */
function chatsOf(piece: string): string[] {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  const plain = (text: string) =>
    text.replace(/&(?:#x([0-9A-Fa-f]+)|#(\d+)|(\w+));/g, (_, hex, decimal, name: keyof typeof named) => {
      if (hex || decimal) return String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal))
      return named[name]
    })
  return [...piece.matchAll(/<Message type="CHAT" content="([^"]*)"/g)].map(([, content]) => plain(content!))
}

/** Characters that XML 1.0 forbids are exported as their pictures. */
const pictured = (text: string) =>
  text.replace(/\p{Cc}/gu, (character) => {
    const code = character.charCodeAt(0)
    return code < 0x20 && !'\t\n\r'.includes(character) ? String.fromCodePoint(0x2400 + code) : character
  })

it('replays logs, seals them, and finds every chat of every file in the exports, once and in order', async () => {
  const logs = readdirSync(CORPUS).filter((name) => name.endsWith('.log'))
  const paths = logs.map((name) => join(CORPUS, name))

  const summary = await json(['replay', ...paths, '--server', pool.urls.server], { env: OPERATOR })
  const sealed = await json(['seal', '--data', data])

  const plans = paths.map((path) => planCorpus(readFileSync(path, 'utf8')))
  const count = (kind: string) => plans.flatMap(({ steps }) => steps).filter((step) => step.kind === kind).length
  expect(summary).toMatchObject({
    files: logs.length,
    chats: count('chat'),
    joins: count('join'),
    parts: count('part'),
    rejected: 0,
    reconnections: 0,
  })
  const series = sealed.exports.map(({ adapter }: { adapter: string }) => adapter)
  expect(series.toSorted()).toEqual(['record', 'xml', 'xml-extended'])
  expect(readFileSync(sealed.document, 'utf8')).toContain('<Conversation>')
  const { exports } = await json(['exports', 'list', '--adapter', 'xml', '--data', data])
  let documents = ''
  for (const { adapter, number } of exports.reverse()) {
    const { files } = await json(['exports', 'files', `${adapter}/${number}`, '--data', data])
    for (const { path, role } of files) if (role === 'document') documents += readFileSync(path, 'utf8')
    expect(await json(['exports', 'replay', `${adapter}/${number}`, '--data', data])).toMatchObject({ identical: true })
  }
  const conversations = documents.match(/<Conversation>.*?<\/Conversation>/gs)!
  for (const [index, log] of logs.entries()) {
    const { uri } = summary.rooms.find(({ name }: { name: string }) => `${name}.log` === log)
    const exported = conversations.filter((whole) => whole.includes(`<Channel uri="${uri}"`)).flatMap(chatsOf)
    const said = plans[index]!.steps.flatMap((step) => (step.kind === 'chat' ? [pictured(step.text)] : []))
    expect(exported, log).toEqual(said)
  }
  const verified = await json(['verify', join(data, 'exports')])
  expect(verified).toMatchObject({ outcome: 'good' })
  const [record, ...others] = verified.series
  expect(record).toMatchObject({ series: 'record', texts: record.events, record: null })
  for (const { exports, record: beside } of others) expect(beside).toEqual({ compared: exports, notInRecord: 0 })
  const last = record.lastExport
  for (const verb of ['replay', 'restore']) await json(['exports', verb, `record/${last}`, '--data', data])
  expect(await json(['exports', 'replay', `record/${last}`, '--data', data])).toMatchObject({ identical: true })
  const status = await json(['status', '--data', data])
  expect(status).toMatchObject({ outbox: { rows: 0 }, quarantine: { count: 0 }, alarms: [] })
})

it('plays a second replay of the same people without asking who they are', async () => {
  const log = join(CORPUS, '2010-06-21.train-c.log')
  const summary = await json(['replay', log, '--data', data])
  expect(summary.rejected).toBe(0)
})

it('starts a pool for a replay when none is running, and stops it', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'hansard-'))
  const log = join(CORPUS, '2006-12-06.train-c.log')
  const { exitCode, stdout } = await hansard(['replay', log, '--data', elsewhere, '--json'], { env: OPERATOR })
  expect(exitCode).toBe(0)
  expect(JSON.parse(stdout).chats).toBe(19)
  expect((await hansard(['status', '--data', elsewhere])).exitCode).toBe(2)
  rmSync(elsewhere, { recursive: true, force: true })
})
