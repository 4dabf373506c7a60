import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRedisBus, PROBE_HEADER } from '@hansard/bus'
import { ManualClock } from '@hansard/clock'
import { decodeEvent } from '@hansard/compliance-event'
import { keySecret, newKey } from '@hansard/credentials'
import { silentLog } from '@hansard/log'
import { createPrincipals, openTokenKeys, POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { migrate, openDatabase } from '@hansard/sql'
import { sharePostgres, shareRedis, template } from '@hansard/test-servers'
import type { SignInReply } from '@hansard/wire'
import { afterEach, expect, it } from 'vitest'

const POOL = template('pool', openDatabase, (db) => migrate(db, POOL_MIGRATIONS))
const PEOPLE = 300
const KILLS = 3

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

async function startPool() {
  const [postgres, redis] = [await sharePostgres(), await shareRedis()]
  stack.defer(() => postgres.stop())
  stack.defer(() => redis.stop())
  const url = await postgres.createDatabase('pool', POOL)
  const db = openDatabase({ url })
  stack.defer(() => db.close())
  await poolSettings(db, { pool: redis.pool, domain: 'example.com' })
  const directory = mkdtempSync(join(tmpdir(), 'hansard-lookup-'))
  stack.defer(() => rmSync(directory, { recursive: true, force: true }))
  const key = newKey()
  const person = { domain: 'example.com', displayName: 'Somebody', secret: keySecret(key), now: 1 }
  const people = Array.from({ length: PEOPLE }, (_, n) => ({ ...person, account: `user-${n}` }))
  await createPrincipals(db.knex, people)
  const bus = openRedisBus({ redisUrl: redis.url, log: silentLog, pool: redis.pool })
  stack.defer(() => bus.close())
  const channel = createServer()
  channel.on('upgrade', (_request, socket) => {
    socket.end(`HTTP/1.1 204 No Content\r\n${PROBE_HEADER}: channel-1\r\nconnection: close\r\n\r\n`)
  })
  channel.listen(0, '127.0.0.1')
  await once(channel, 'listening')
  stack.defer(() => void channel.close())
  const endpoint = `ws://127.0.0.1:${(channel.address() as AddressInfo).port}/channel`
  const report = () => bus.publish({ t: 'load', service: 'channel-1', endpoint, sessions: 0, sessionsMax: 10_000 })
  stack.defer(await bus.subscribePool((message) => void (message.t === 'load-wanted' && report())))

  const port = await freePort()
  /** The service as operators start it: as its own process. */
  const launch = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, ['--conditions=@hansard/source', join(import.meta.dirname, 'main.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        HANSARD_LOOKUP_NAME: 'lookup-killed',
        HANSARD_LOOKUP_PORT: String(port),
        HANSARD_POOL_DATABASE_URL: url,
        HANSARD_REDIS_URL: redis.url,
        HANSARD_POOL: redis.pool,
        HANSARD_DOMAIN: 'example.com',
        HANSARD_TOKEN_KEY_FILE: join(directory, 'token-keys.json'),
        HANSARD_LOG_LEVEL: 'silent',
      },
    })
    stack.defer(() => kill(child))
    await once(child.stdout!, 'data')
    await report()
    return child
  }
  const signIn = async (account: string): Promise<SignInReply | undefined> => {
    const response = await fetch(`http://127.0.0.1:${port}/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account, password: key }),
    })
    return response.status === 200 ? ((await response.json()) as SignInReply) : undefined
  }
  const keysFile = join(directory, 'token-keys.json')
  return { db, launch, signIn, keysFile }
}

it('has every sign-in that it acknowledged on record when it is killed, numbered without a hole', async () => {
  const { db, launch, signIn, keysFile } = await startPool()
  const acknowledged = new Map<string, string>()
  for (let time = 0; time < KILLS; time += 1) {
    const child = await launch()
    const share = PEOPLE / KILLS
    const crowd = Array.from({ length: share }, (_, n) => `user-${time * share + n}`)
    let answered = 0
    await Promise.all(
      crowd.map(async (account) => {
        const granted = await signIn(account).catch(() => undefined)
        if (!granted) return
        acknowledged.set(account, granted.token)
        answered += 1
        // At once: others of the same commit are being answered, and the next are being recorded.
        if (answered === 10) child.kill('SIGKILL')
      }),
    )
    await kill(child)
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(KILLS * 10)

  const rows: { body: string }[] = await db.knex('outbox').orderBy(['source', 'epoch', 'seq'])
  const events = rows.map(({ body }) => decodeEvent(body))
  const signIns = new Map(events.flatMap((event) => (event.kind === 'sign-in' ? [[event.tokenSession, event]] : [])))
  const tokenKeys = await openTokenKeys({ db, clock: new ManualClock(0), source: { file: keysFile } })
  for (const [account, token] of acknowledged) {
    const claims = (await tokenKeys.verify(token))!
    expect(signIns.get(String(claims['session']))).toMatchObject({ account, expiresAt: claims['expiresAt'] })
  }
  // The state and its record are one: no session without its event, none twice, and no event without its session.
  const sessions: { session: string }[] = await db.knex('signed_in')
  expect(sessions.map(({ session }) => session).toSorted()).toEqual([...signIns.keys()].toSorted())
  for (let epoch = 1; epoch <= KILLS; epoch += 1) {
    const seqs = events.filter((event) => event.epoch === epoch).map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.map((_, index) => index + 1))
  }
})

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

async function freePort(): Promise<number> {
  const probe = createTcpServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
