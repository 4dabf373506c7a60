import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { runCommandLine } from '@hansard/hansard'
import { nodeBinary } from './service-process.ts'

// npm run dev: a pool with users and rooms that restarts when the code changes and keeps its data.
const repository = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const data = process.env['HANSARD_DEV_DATA'] ?? join(repository, 'hansard-dev')
const port = process.env['HANSARD_DEV_PORT'] ?? '7464'
const WATCHED = ['apps', 'packages', 'adapters'].map((folder) => join(repository, folder))
/** An editor saves in several steps, and a checkout writes many files. */
const QUIET_MS = 300

const OPERATOR_PASSWORD = 'dev-operator-of-fourth-coffee'
/** For local use only: published here. */
const PEOPLE = [
  { account: 'officer', name: 'Olivia Fisher', role: 'officer' },
  { account: 'auditor', name: 'Andrew Dixon', role: 'auditor' },
  { account: 'alice', name: 'Alice Ciccu', role: undefined },
  { account: 'bob', name: 'Bob Kelly', role: undefined },
  { account: 'cecilia', name: 'Cecilia Cornejo', role: undefined },
].map((person) => ({ ...person, password: `dev-${person.account}-of-fourth-coffee` }))
const ROOMS = ['desk', 'prices', 'roasting']

const say = (line: string) => void process.stdout.write(`${line}\n`)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

let changes = 0
let changed = () => {}
for (const folder of WATCHED) {
  watch(folder, { recursive: true, signal: stop.signal }, (_, file) => {
    if (file === null || /(^|\/)(node_modules|dist)\//.test(file) || !/\.(ts|xslt)$/.test(file)) return
    if (/\.test\.ts$/.test(file)) return
    changes += 1
    changed()
  }).on('error', () => {})
}

let shown = false
while (!stop.signal.aborted) {
  const before = changes
  const pool = startPool()
  const server = await ready(pool)
  if (server === undefined) say('The pool did not start. It is started again when a file changes.')
  else if (shown) say(`The pool is running again at ${server}`)
  else {
    await makePeopleAndRooms()
    tellSignIns(server)
    shown = true
  }
  await aChange(before)
  pool.kill('SIGTERM')
  if (pool.exitCode === null && pool.signalCode === null) await once(pool, 'exit')
}

function startPool(): ChildProcess {
  const program = join(repository, 'apps/hansard/src/bin.ts')
  const args = ['start', '--data', data, '--port', port, '--interval', '1m', '--json']
  return spawn(nodeBinary(), ['--conditions=@hansard/source', program, ...args], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HANSARD_ADMIN_PASSWORD: OPERATOR_PASSWORD,
      HANSARD_DOMAIN: 'fourthcoffee.com',
      HANSARD_LOG_LEVEL: process.env['HANSARD_LOG_LEVEL'] ?? 'warn',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Its address, as reported when it is ready; undefined when it has exited instead. */
async function ready(pool: ChildProcess): Promise<string | undefined> {
  for await (const line of createInterface({ input: pool.stdout! })) {
    pool.stdout!.resume()
    return (JSON.parse(line) as { server: string }).server
  }
  return undefined
}

async function aChange(since: number): Promise<void> {
  while (changes === since && !stop.signal.aborted)
    await new Promise<void>((resolve) => {
      changed = resolve
      stop.signal.addEventListener('abort', () => resolve(), { once: true })
    })
  for (let last = -1; last !== changes && !stop.signal.aborted; ) {
    last = changes
    await systemClock.sleep(QUIET_MS, stop.signal)
  }
}

/** Existing data is not changed. */
async function makePeopleAndRooms(): Promise<void> {
  for (const { account, name, role, password } of PEOPLE) {
    const roles = role === undefined ? [] : ['--role', role]
    await hansard(['users', 'add', account, '--name', name, '--password', ...roles], { HANSARD_PASSWORD: password })
  }
  await hansard(['rooms', 'add', ...ROOMS])
}

async function hansard(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const io = { stdin, stdout, stderr, env: new Env(env), stop: stop.signal }
  const exitCode = await runCommandLine([...args, '--data', data], io)
  // 1: an account existed already.
  if (exitCode > 1) throw new Error(`hansard ${args.join(' ')}: ${String(stderr.read() ?? '')}`)
}

function tellSignIns(server: string): void {
  const [officer, auditor, ...others] = PEOPLE
  const signIns = [
    ['officer', officer!.account, officer!.password],
    ['auditor', auditor!.account, auditor!.password],
    ['operator', 'operator', OPERATOR_PASSWORD],
  ]
  say(`Hansard is running at ${server}, data in ${data}, an interval is a minute.`)
  for (const [role, account, password] of signIns)
    say(`  ${role!.padEnd(9)} account ${account!.padEnd(9)} password ${password}`)
  say(`  people    ${others.map(({ account }) => account).join(', ')}; password dev-NAME-of-fourth-coffee`)
  say(`  rooms     ${ROOMS.join(', ')}`)
  say(`Talk:  HANSARD_PASSWORD=${others[0]!.password} npm run hansard -- chat desk --account alice --data ${data}`)
  say('It restarts when a file under apps, packages or adapters changes. Stop: Ctrl-C')
}
