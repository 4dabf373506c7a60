import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openInlineBus, PROBE_HEADER } from '@hansard/bus'
import { ManualClock, systemClock } from '@hansard/clock'
import { hashPassword } from '@hansard/credentials'
import { createHttpServer, HTTP_DEFAULTS } from '@hansard/http'
import { silentLog } from '@hansard/log'
import { createPrincipals, createSignIn, createSignInRecord, openTokenKeys, POOL_MIGRATIONS } from '@hansard/pool-store'
import { migrate, openDatabase } from '@hansard/sql'
import type { SignInReply } from '@hansard/wire'
import { afterEach, expect, it } from 'vitest'
import { startLookupService } from './index.ts'

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
  const bus = openInlineBus()
  stack.defer(() => bus.close())
  const [clock, log] = [systemClock, silentLog]
  const tokenKeys = await openTokenKeys({ db, clock, source: { file: join(directory, 'keys.json') } })
  const record = createSignInRecord({ db, clock, log, service: 'lookup' })
  stack.defer(() => record.stop())
  // Its time stands still: no wait passes while passwords are checked.
  const signIn = createSignIn({ db, clock: new ManualClock(Date.UTC(2026, 0, 2)), tokenKeys, record })
  const http = { ...HTTP_DEFAULTS, host: '127.0.0.1', port: 0 }
  const { app, ...server } = await createHttpServer(http, { clock, log, forceCloseConnections: true })
  stack.defer(() => server.stop())
  const config = { url: 'http://127.0.0.1', adminUrl: undefined }
  const lookup = await startLookupService(config, { app, db, bus, clock, log, signIn, pool: 'test', version: '0' })
  stack.defer(() => lookup.stop())
  const url = `http://127.0.0.1:${await server.listen()}/sign-in`

  const signInWith = async (more: { password?: string; device?: string | undefined } = {}) => {
    const body = JSON.stringify({ account: 'alice', password: PASSWORD, ...more })
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    return { status: response.status, body: (await response.json()) as SignInReply }
  }
  return { db, bus, signInWith }
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
