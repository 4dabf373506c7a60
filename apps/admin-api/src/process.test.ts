import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adminPath, DATA_EXPORT_PATH } from '@hansard/admin-contract'
import { type BusMessage, openRedisBus } from '@hansard/bus'
import { silentLog } from '@hansard/log'
import { sourceStates } from '@hansard/pool-store'
import { type Database, openDatabase } from '@hansard/sql'
import { type SharedPostgres, type SharedRedis, sharePostgres, shareRedis } from '@hansard/test-servers'
import { afterAll, beforeAll, expect, it } from 'vitest'

const MAIN = new URL('./main.ts', import.meta.url).pathname
const PASSWORD = 'a password for the operator'
const until = { timeout: 60_000, interval: 50 }

let postgres: SharedPostgres
let redis: SharedRedis
let poolDb: Database
let env: Record<string, string>
let directory: string
const running: ChildProcess[] = []

beforeAll(async () => {
  ;[postgres, redis] = await Promise.all([sharePostgres(), shareRedis()])
  const [pool, compliance] = [await postgres.createDatabase('pool'), await postgres.createDatabase('compliance')]
  directory = mkdtempSync(join(tmpdir(), 'hansard-admin-'))
  poolDb = openDatabase({ url: pool })
  env = {
    HANSARD_POOL_DATABASE_URL: pool,
    HANSARD_COMPLIANCE_DATABASE_URL: compliance,
    HANSARD_REDIS_URL: redis.url,
    HANSARD_POOL: redis.pool,
    HANSARD_ADMIN_PASSWORD: PASSWORD,
    HANSARD_TOKEN_KEY_FILE: join(directory, 'token-keys.json'),
    HANSARD_FILE_STORE: join(directory, 'files'),
    HANSARD_COMPLIANCE_FILE_STORE: join(directory, 'compliance-files'),
  }
})
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await poolDb?.close()
  await Promise.all([postgres?.stop(), redis?.stop()])
  await rm(directory, { recursive: true, force: true })
})

async function start(): Promise<{ url: string; child: ChildProcess; ended: Promise<unknown> }> {
  const port = await freePort()
  const child = spawn(process.execPath, ['--conditions=@hansard/source', MAIN], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      ...env,
      HANSARD_ADMIN_PORT: String(port),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  const ended = once(child, 'exit')
  let said = ''
  child.stdout!.on('data', (data) => {
    said += data
  })
  child.stderr!.on('data', (data) => {
    said += data
  })
  await expect.poll(() => said, until).toContain('"ready"')
  return { url: `http://127.0.0.1:${port}`, child, ended }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

async function ask(url: string, path: string, body: object, token?: string) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as { token: string; error: string } }
}

it('notifies other services of a change over Redis, exports with files, and ends when a second of its name starts', {
  timeout: 180_000,
}, async () => {
  const first = await start()
  const { token } = (await ask(first.url, adminPath('signIn'), { account: 'operator', password: PASSWORD })).body
  const bus = openRedisBus({ redisUrl: redis.url, log: silentLog, pool: redis.pool })
  const heard: BusMessage[] = []
  await bus.subscribePool((message) => void heard.push(message))

  const policy = { identity: 'global', enabled: true }
  expect((await ask(first.url, adminPath('addPolicy'), policy, token)).status).toBe(200)
  await expect.poll(() => heard, until).toContainEqual({ t: 'configuration-changed' })

  const second = await start()
  expect(await first.ended).toEqual([1, null])
  expect(await sourceStates(poolDb, 'admin-1')).toEqual(['fenced', 'alive'])
  expect((await ask(second.url, adminPath('addAddIn'), { name: 'b', url: 'http://b' }, token)).status).toBe(200)

  const headers = { authorization: `Bearer ${token}` }
  const exported = await fetch(`${second.url}${DATA_EXPORT_PATH}?files=true`, { headers })
  expect([exported.status, (await exported.arrayBuffer()).byteLength > 0]).toEqual([200, true])

  second.child.kill('SIGTERM')
  expect(await second.ended).toEqual([0, null])
  expect(await sourceStates(poolDb, 'admin-1')).toEqual(['fenced', 'stopped'])
  await bus.close()
})
