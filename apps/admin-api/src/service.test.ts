import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ADMIN_ROUTES, type AdminReplyOf, type AdminRouteName, adminPath } from '@hansard/admin-contract'
import { ManualClock } from '@hansard/clock'
import { keySecret } from '@hansard/credentials'
import { silentLog } from '@hansard/log'
import { createPrincipals, createSignIn, POOL_MIGRATIONS, poolSettings, startSource } from '@hansard/pool-store'
import { type Database, migrate, openDatabase } from '@hansard/sql'
import { migrateStaging } from '@hansard/staging'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { addAdminApi, createOperator } from './index.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
const PASSWORD = 'a password for the operator'
let app: FastifyInstance
let poolDb: Database
let complianceDb: Database
let clock: ManualClock

beforeEach(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-'))
  poolDb = openDatabase({ url: `sqlite:${directory}/pool.db` })
  complianceDb = openDatabase({ url: `sqlite:${directory}/compliance.db` })
  clock = new ManualClock(NOW)
  await migrate(poolDb, POOL_MIGRATIONS)
  await migrateStaging(complianceDb)
  const { pool, domain, signingKey } = await poolSettings(poolDb, { pool: 'test', domain: 'example.com' })
  await createOperator(poolDb, { domain, password: PASSWORD, now: NOW })
  app = fastify()
  addAdminApi(app, {
    poolDb,
    complianceDb,
    clock,
    log: silentLog,
    signIn: createSignIn({ db: poolDb, clock, signingKey }),
    pool,
    domain,
    version: '1',
    runIntervalMs: 60_000,
    queueDepth: async () => ({ waiting: 0, active: 0, failed: 0 }),
  })
})
afterEach(async () => {
  await app.close()
  await poolDb.close()
  await complianceDb.close()
})

async function ask(
  name: AdminRouteName,
  options: { body?: object; token?: string; parts?: Record<string, string | number>; query?: string } = {},
) {
  const { method } = ADMIN_ROUTES[name]
  const response = await app.inject({
    method,
    url: `${adminPath(name, options.parts)}${options.query ?? ''}`,
    ...(options.token ? { headers: { authorization: `Bearer ${options.token}` } } : {}),
    ...(options.body ? { payload: options.body } : {}),
  })
  return { status: response.statusCode, body: response.json() }
}
async function done<N extends AdminRouteName>(
  name: N,
  options: Parameters<typeof ask>[1] = {},
): Promise<AdminReplyOf<N>> {
  const { status, body } = await ask(name, options)
  expect(status, JSON.stringify(body)).toBe(200)
  return ADMIN_ROUTES[name].reply.parse(body) as AdminReplyOf<N>
}
const signIn = async () => (await done('signIn', { body: { account: 'operator', password: PASSWORD } })).token

it('answers nobody who has not signed in as an operator, on any route', async () => {
  await createPrincipals(poolDb, [
    {
      account: 'alice',
      domain: 'example.com',
      displayName: 'Alice',
      role: 'participant',
      secret: keySecret('the key of alice'),
      now: NOW,
    },
  ])
  const { signingKey } = await poolSettings(poolDb, { pool: '', domain: '' })
  const participant = await createSignIn({ db: poolDb, clock, signingKey }).withPassword({
    account: 'alice',
    password: 'the key of alice',
    remote: 'x',
  })
  const alice = participant.outcome === 'signed-in' ? participant.token : ''
  const parts = { adapter: 'xml', number: 1, id: '1' }
  for (const name of Object.keys(ADMIN_ROUTES) as AdminRouteName[]) {
    if (name === 'signIn') continue
    expect((await ask(name, { parts })).body, name).toMatchObject({ error: 'not-signed-in' })
    expect((await ask(name, { parts, token: `${alice}x` })).body, name).toMatchObject({ error: 'not-signed-in' })
    expect((await ask(name, { parts, token: alice })).body, name).toMatchObject({ error: 'not-an-operator' })
  }
  expect((await ask('signIn', { body: { account: 'alice', password: 'the key of alice' } })).body).toMatchObject({
    error: 'not-an-operator',
  })
})

it('stops answering a guesser, and goes on answering the operator from elsewhere', async () => {
  for (let n = 0; n < 10; n += 1) {
    expect((await ask('signIn', { body: { account: 'operator', password: 'guess' } })).status).toBe(401)
  }
  expect((await ask('signIn', { body: { account: 'operator', password: PASSWORD } })).body).toMatchObject({
    error: 'too-many-attempts',
  })
  clock.advance({ minutes: 5 })
  expect((await ask('signIn', { body: { account: 'operator', password: PASSWORD } })).status).toBe(200)
})

it('refuses a token that is too old, and one whose password was changed since', async () => {
  const token = await signIn()
  await done('setPassword', { token, body: { account: 'operator', password: 'another password' } })
  expect((await ask('status', { token })).body).toMatchObject({ error: 'not-signed-in' })
  const fresh = (await done('signIn', { body: { account: 'operator', password: 'another password' } })).token
  await done('status', { token: fresh })
  clock.advance({ hours: 13 })
  expect((await ask('status', { token: fresh })).body).toMatchObject({ error: 'not-signed-in' })
})

it('adds a thousand accounts at once, and none of them twice', async () => {
  const token = await signIn()
  const users = Array.from({ length: 1_000 }, (_, n) => ({ account: `user [${n}]`, generateKey: true }))
  const first = await done('addUsers', { token, body: { users } })
  const second = await done('addUsers', {
    token,
    body: { users: users.map((user) => ({ ...user, rotateKey: user.account === 'user [7]' })) },
  })

  expect(first.users.every((user) => user.created && user.key)).toBe(true)
  expect(first.users[7]!.uri).toBe('sip:user%20%5B7%5D@example.com')
  expect(second.users.filter((user) => user.created)).toEqual([])
  expect(second.users.filter((user) => user.key).map((user) => user.account)).toEqual(['user [7]'])
  expect(second.users[7]!.key).not.toBe(first.users[7]!.key)
  const stored = JSON.stringify(await poolDb.knex('principal').where({ account: 'user [7]' }))
  expect(stored).not.toContain(second.users[7]!.key)
})

it('pages through accounts and rooms without missing one', async () => {
  const token = await signIn()
  const rooms = Array.from({ length: 25 }, (_, n) => ({ name: `room ${String(n).padStart(2, '0')}` }))
  await done('addRooms', { token, body: { rooms } })
  const seen: string[] = []
  for (let after: string | null = ''; after !== null; ) {
    const page: AdminReplyOf<'listRooms'> = await done('listRooms', {
      token,
      query: `?limit=10&after=${encodeURIComponent(after)}`,
    })
    seen.push(...page.rooms.map((room) => room.name))
    after = page.next
  }
  expect(seen).toEqual(rooms.map((room) => room.name))
})

it('says what is wrong with a request, where and what to do', async () => {
  const token = await signIn()
  const bad: [AdminRouteName, object | undefined, Record<string, string> | undefined, RegExp][] = [
    ['addUsers', { users: [{ account: 'a\u0007' }] }, undefined, /control characters/],
    ['addUsers', { users: [{ account: 'a' }, { account: 'a' }] }, undefined, /twice/],
    ['addUsers', { users: [{ account: 'a', password: 'short' }] }, undefined, /users\.0\.password/],
    ['addRooms', { rooms: [{ name: 'r', members: ['nobody'] }] }, undefined, /no account "nobody"/],
    ['addRooms', { rooms: [{ name: ' ' }] }, undefined, /empty/],
    ['setPassword', { account: 'nobody', password: 'long enough' }, undefined, /no account/],
    ['declareDead', { source: 'nobody' }, undefined, /no source/],
    ['showExport', undefined, { adapter: 'xml', number: '1' }, /no export xml\/1/],
    ['showExport', undefined, { adapter: '../..', number: '1' }, /no export/],
    ['request', undefined, { id: "1' or 1=1" }, /no request/],
  ]
  for (const [name, body, parts, message] of bad) {
    const reply = await ask(name, { token, ...(body ? { body } : {}), ...(parts ? { parts } : {}) })
    expect(reply.status, `${name} ${JSON.stringify(reply.body)}`).toBeGreaterThanOrEqual(400)
    expect(reply.status).toBeLessThan(500)
    expect(reply.body.message).toMatch(message)
  }
})

it('declares a source dead once, and tells a second caller that it is', async () => {
  const token = await signIn()
  await startSource(poolDb, { name: 'channel-1', endpoint: '', now: NOW })
  expect(await done('declareDead', { token, body: { source: 'channel-1' } })).toEqual({ source: 'channel-1', epoch: 1 })
  expect((await ask('declareDead', { token, body: { source: 'channel-1' } })).body).toMatchObject({ error: 'conflict' })
})

it('records every look at the exports, and every request', async () => {
  const token = await signIn()
  await done('listExports', { token })
  await done('quarantine', { token })
  const { request } = await done('seal', { token })
  expect(await done('request', { token, parts: { id: request } })).toMatchObject({ kind: 'seal', state: 'waiting' })

  const records: { actor: string; action: string }[] = await complianceDb
    .knex('audit_record')
    .orderBy('id')
    .select('actor', 'action')
  expect(records).toEqual(['list-exports', 'list-quarantine', 'seal'].map((action) => ({ actor: 'operator', action })))
})

it('names what is wrong with the pool, worst first', async () => {
  const token = await signIn()
  const { alarms } = await done('status', { token })
  expect(alarms).toEqual(['No roll call has reached the compliance database yet. Is a relay running?'])
})
