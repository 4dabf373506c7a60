import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openInlineBus, PROBE_HEADER } from '@hansard/bus'
import { ManualClock, systemClock } from '@hansard/clock'
import { decodeEvent } from '@hansard/compliance-event'
import { hashPassword } from '@hansard/credentials'
import { createHttpServer, HTTP_DEFAULTS } from '@hansard/http'
import { silentLog } from '@hansard/log'
import {
  createPrincipals,
  declareDead,
  openTokenKeys,
  POOL_MIGRATIONS,
  poolSettings,
  readSourceProgress,
} from '@hansard/pool-store'
import { migrate, openDatabase } from '@hansard/sql'
import type { SignInReply } from '@hansard/wire'
import { afterEach, expect, it } from 'vitest'
import { LOOKUP_SERVICE_DEFAULTS, startLookupService } from './index.ts'

const PASSWORD = 'correct horse battery'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

async function startLookup() {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-lookup-'))
  stack.defer(() => rmSync(directory, { recursive: true, force: true }))
  const db = openDatabase({ url: `sqlite:${join(directory, 'pool.db')}` })
  stack.defer(() => db.close())
  await migrate(db, POOL_MIGRATIONS)
  const secret = await hashPassword(PASSWORD)
  await createPrincipals(db.knex, [{ account: 'alice', domain: 'example.com', displayName: 'Alice', secret, now: 1 }])
  const settings = await poolSettings(db, { pool: 'test', domain: 'example.com' })
  const bus = openInlineBus()
  stack.defer(() => bus.close())
  const log = silentLog
  // Its time stands still: no wait passes while passwords are checked.
  const clock = new ManualClock(Date.UTC(2026, 0, 2))
  const tokenKeys = await openTokenKeys({ db, clock, source: { file: join(directory, 'keys.json') } })
  const http = { ...HTTP_DEFAULTS, host: '127.0.0.1', port: 0 }
  const { app, ...server } = await createHttpServer(http, { clock: systemClock, log, forceCloseConnections: true })
  stack.defer(() => server.stop())
  const config = { ...LOOKUP_SERVICE_DEFAULTS, url: 'http://127.0.0.1', adminUrl: undefined }
  const lookup = await startLookupService(config, { app, db, bus, clock, log, tokenKeys, settings, version: '0' })
  stack.defer(() => lookup.stop())
  const url = `http://127.0.0.1:${await server.listen()}/sign-in`

  const signInWith = async (more: { password?: string; device?: string | undefined } = {}) => {
    const body = JSON.stringify({ account: 'alice', password: PASSWORD, ...more })
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    return { status: response.status, body: (await response.json()) as SignInReply }
  }
  /** What is on record, and who recorded it. */
  const events = async () => {
    const rows: { body: string }[] = await db.knex('outbox').orderBy(['source', 'epoch', 'seq'])
    return rows.map(({ body }) => decodeEvent(body))
  }
  return { db, bus, clock, lookup, signInWith, events }
}

/** A server that answers the probe of a channel service. */
async function startEndpoint(name: string) {
  const server = createServer()
  server.on('upgrade', (_request, socket) => {
    socket.end(`HTTP/1.1 204 No Content\r\n${PROBE_HEADER}: ${name}\r\nconnection: close\r\n\r\n`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => void server.close())
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/channel`
}

it('lets a known device sign in while guesses from elsewhere lock the account', async () => {
  const { bus, signInWith } = await startLookup()
  const endpoint = await startEndpoint('channel-1')
  await bus.publish({ t: 'load', service: 'channel-1', endpoint, sessions: 0, sessionsMax: 10 })
  const first = await signInWith()
  expect(first).toMatchObject({ status: 200, body: { endpoint, device: expect.any(String) } })

  for (let guess = 0; guess < 6; guess += 1) await signInWith({ password: 'a wrong guess' })

  expect((await signInWith()).status).toBe(429)
  const known = await signInWith({ device: first.body.device })
  expect(known.status).toBe(200)
  expect(known.body.device).toBeUndefined()
})

it('makes no device known to a client that gets no endpoint', async () => {
  const { db, signInWith } = await startLookup()

  expect((await signInWith()).status).toBe(503)

  expect(await db.knex('known_device')).toEqual([])
})

it('has a sign-in and its assignment on record under its own name before it answers', async () => {
  const { bus, lookup, events, signInWith } = await startLookup()
  const endpoint = await startEndpoint('channel-1')
  await bus.publish({ t: 'load', service: 'channel-1', endpoint, sessions: 0, sessionsMax: 10 })

  const { body } = await signInWith()

  expect(body.token).toBeDefined()
  expect((await events()).map(({ kind, source, epoch, seq }) => [kind, `${source}/${epoch}`, seq])).toEqual([
    ['sign-in', `${lookup.source.name}/1`, 1],
    ['assignment', `${lookup.source.name}/1`, 2],
  ])
  expect((await events())[1]).toMatchObject({ service: 'channel-1', principal: { uri: 'sip:alice@example.com' } })
})

it('records a right password for which there is no channel service as refused', async () => {
  const { clock, events, signInWith } = await startLookup()
  expect((await signInWith()).status).toBe(503)

  clock.advance({ seconds: 1 })

  await expect.poll(events).toMatchObject([{ kind: 'sign-in-refused', account: 'alice', reason: 'no-channel-service' }])
})

it('refuses a sign-in that it cannot record, and says that it must end', async () => {
  const { db, bus, clock, lookup, events, signInWith } = await startLookup()
  const endpoint = await startEndpoint('channel-1')
  await bus.publish({ t: 'load', service: 'channel-1', endpoint, sessions: 0, sessionsMax: 10 })
  await declareDead(db, { name: lookup.source.name, now: clock.now() })

  const { status, body } = await signInWith()

  expect(status).toBe(503)
  expect(body.token).toBeUndefined()
  expect(await events()).toEqual([])
  expect((await lookup.fenced).message).toContain('lookup-1')
})

it('reports while it is alive, so that intervals close, and ends its source when it stops', async () => {
  const { db, clock, lookup } = await startLookup()
  const progress = async () => (await readSourceProgress(db, clock.now())).sources[0]
  const began = clock.now()

  clock.advance({ seconds: 1 })

  await expect.poll(async () => (await progress())?.reportedAt).toBe(began + 1_000)
  await lookup.stop()
  expect(await progress()).toMatchObject({ source: 'lookup-1', state: 'stopped', lastSeq: 0 })
})

it('records that a session expired', async () => {
  const { bus, clock, events, signInWith } = await startLookup()
  const endpoint = await startEndpoint('channel-1')
  await bus.publish({ t: 'load', service: 'channel-1', endpoint, sessions: 0, sessionsMax: 10 })
  await signInWith()

  clock.advance({ hours: 12, seconds: 1 })

  await expect
    .poll(async () => (await events()).map(({ kind }) => kind))
    .toEqual(['sign-in', 'assignment', 'session-expired'])
})
