import { ADMIN_ROUTES, type AdminReplyOf, type AdminRouteName } from '@hansard/admin-contract'
import { readSourceProgress, sourceStates, startSource } from '@hansard/pool-store'
import { assertLease, LeaseLost, takeLease } from '@hansard/sql'
import { recordSourceProgress } from '@hansard/staging'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type AdminInTest, NOW, OPERATOR_PASSWORD, openAdminInTest } from './admin-in-test.ts'

let test: AdminInTest
beforeEach(async () => {
  test = await openAdminInTest()
})
afterEach(() => test.close())
/** Starts again with an operator that chose a password. */
const choosePassword = async () => {
  await test.close()
  test = await openAdminInTest('sqlite', { operatorPassword: OPERATOR_PASSWORD })
}
const ask: AdminInTest['ask'] = (name, options) => test.ask(name, options)
const done: AdminInTest['done'] = (name, options) => test.done(name, options)
const signIn = () => test.signIn()

it('answers only signed-in callers, on every route of the catalogue', async () => {
  const alice = await test.addUser('alice')
  const deps = { adapter: 'xml', number: 1, id: '1', user: 'a', group: 'a', category: 'a', room: 'a', addIn: 'a' }
  const more = { ...deps, lease: 'a', change: '1', policy: 'a', endpoint: 'a', identity: 'a' }
  for (const name of Object.keys(ADMIN_ROUTES) as AdminRouteName[]) {
    if (ADMIN_ROUTES[name].roles === 'everybody') continue
    expect((await ask(name, { deps: more })).body, name).toMatchObject({ error: 'not-signed-in' })
    expect((await ask(name, { deps: more, token: `${alice}x` })).body, name).toMatchObject({ error: 'not-signed-in' })
  }
  expect(Object.values(ADMIN_ROUTES).filter(({ roles }) => roles === 'everybody')).toEqual([
    ADMIN_ROUTES.signIn,
    ADMIN_ROUTES.changeOwnPassword,
    ADMIN_ROUTES.signOut,
    ADMIN_ROUTES.openapi,
  ])
})

it('applies the removal of a role or an account from the next request', async () => {
  const token = await signIn()
  const bob = await test.addUser('bob', { roles: ['auditor'] })
  await done('listUsers', { token: bob })
  await done('changeUser', { token, deps: { user: 'bob' }, body: { roles: { remove: ['auditor'] } } })
  expect((await ask('listUsers', { token: bob })).body).toMatchObject({ error: 'not-allowed' })
  await done('changeUser', { token, deps: { user: 'bob' }, body: { disabled: true } })
  expect((await ask('listUsers', { token: bob })).body).toMatchObject({ error: 'not-signed-in' })
})

it('records the first account and the initial settings as changes by the pool itself', async () => {
  await choosePassword()
  const changes = await test.changes()
  expect(changes.map(({ by, action, subject }) => [by, action, subject])).toEqual([
    ['sip:hansard@example.com', 'created', 'category General'],
    ['sip:hansard@example.com', 'created', 'user Operator'],
  ])
  expect(changes[1]!.after).toMatchObject({ roles: ['administrator', 'operator', 'officer', 'auditor'] })
  const known = { outcome: 'kept', passwordDiffers: false }
  expect(await test.admin.createOperator({ password: OPERATOR_PASSWORD })).toEqual(known)
  expect(await test.admin.createOperator({ password: 'another password' })).toMatchObject({ passwordDiffers: true })
  expect(await test.changes()).toHaveLength(2)
})

it('reports every second, so that it holds no interval open, and ends its source when it stops', async () => {
  const reportedAt = async () =>
    (await test.poolDb.knex('source').where({ name: 'admin-1' }).first('reported_at')).reported_at
  for (const seconds of [1, 2, 3]) {
    await expect
      .poll(async () => {
        test.clock.advance({ ms: 100 })
        return await reportedAt()
      })
      .toBeGreaterThanOrEqual(NOW + seconds * 1_000)
  }
  await test.admin.stop()
  await test.admin.stop()
  expect(await sourceStates(test.poolDb, 'admin-1')).toEqual(['stopped'])
})

it('changes nothing once a successor has taken its name, and says so', async () => {
  const token = await signIn()
  const twin = await test.startTwin()
  expect(twin.source).toEqual(expect.objectContaining({ name: 'admin-1', epoch: 2 }))
  expect((await ask('addCategory', { token, body: { name: 'late' } })).body).toMatchObject({ error: 'try-again' })
  expect((await test.admin.fenced).message).toContain('admin-1')
  expect(await test.poolDb.knex('category').where({ name: 'late' })).toEqual([])
  expect(await sourceStates(test.poolDb, 'admin-1')).toEqual(['fenced', 'alive'])
})

it('slows a guesser down, and still answers the operator on a known device, from the same address', async () => {
  await choosePassword()
  const guess = { account: 'operator', password: 'guess' }
  const right = { account: 'operator', password: OPERATOR_PASSWORD }
  const { device } = await done('signIn', { body: right })
  for (let n = 0; n < 6; n += 1) expect((await ask('signIn', { body: guess })).status).toBe(401)

  expect(await ask('signIn', { body: guess })).toMatchObject({
    status: 429,
    body: { error: 'too-many-attempts', message: 'Too many failed attempts. Try again in a second.' },
  })
  expect((await ask('signIn', { body: right })).status).toBe(429)
  expect((await ask('signIn', { body: { ...right, device: device! } })).status).toBe(200)
  test.clock.advance({ seconds: 1 })
  expect((await ask('signIn', { body: right })).status).toBe(200)
})

it('lets everybody change their own password, with the old one, and ends sessions that used it', async () => {
  await choosePassword()
  const token = await signIn()
  const body = { account: 'operator', password: OPERATOR_PASSWORD, newPassword: 'a new one, by myself' }
  expect((await ask('changeOwnPassword', { body: { ...body, password: 'a guess' } })).status).toBe(401)
  expect((await ask('changeOwnPassword', { body: { ...body, newPassword: 'password' } })).body).toMatchObject({
    error: 'invalid',
    message: 'This password is among those that guessers try first. Choose another.',
  })

  await done('changeOwnPassword', { body })

  expect((await ask('status', { token })).body).toMatchObject({ error: 'not-signed-in' })
  expect((await ask('signIn', { body: { account: 'operator', password: OPERATOR_PASSWORD } })).status).toBe(401)
  await done('signIn', { body: { account: 'operator', password: body.newPassword } })
  expect((await test.changes()).at(-1)).toMatchObject({ subject: 'user Operator', after: { secret: 'replaced' } })
})

it('signs out one session, or all; only administrators sign out others', async () => {
  const [one, two, three] = [await signIn(), await signIn(), await signIn()]
  const bob = await test.addUser('bob')
  await done('signOut', { body: { token: one } })
  await done('signOut', { body: { token: one } })
  expect((await ask('status', { token: one })).body).toMatchObject({ error: 'not-signed-in' })
  expect((await ask('signOutUser', { token: bob, deps: { user: 'operator' } })).body).toMatchObject({
    error: 'not-allowed',
  })
  await done('signOutUser', { token: two, deps: { user: 'bob' } })
  expect((await ask('listRooms', { token: bob })).body).toMatchObject({ error: 'not-signed-in' })

  await done('signOut', { body: { token: two, everywhere: true } })

  expect((await ask('status', { token: three })).body).toMatchObject({ error: 'not-signed-in' })
})

it('records sign-ins, failures and requests without the right, without secrets', async () => {
  await choosePassword()
  const token = await signIn()
  const bob = await test.addUser('bob')
  const typed = 'no\nbody \u202e'
  for (let n = 0; n < 3; n += 1) await ask('signIn', { body: { account: typed, password: 'my secret words' } })
  await ask('listUsers', { token: bob })
  await ask('status', { token: `${bob.slice(0, -1)}_` })
  test.clock.advance({ seconds: 2 })
  await expect.poll(async () => (await test.poolDb.knex('sign_in_event')).length).toBeGreaterThan(5)

  const { signIns } = await done('listSignIns', { token })

  const told = signIns.map(({ outcome, account, detail, count }) => [outcome, account, detail, count])
  expect(told).toContainEqual(['wrong-credentials', 'no\\u000abody \\u202e', '', 3])
  expect(told).toContainEqual(['not-allowed', 'bob', 'listUsers', 1])
  expect(told).toContainEqual(['token-refused', '', '', 1])
  expect(told.filter(([outcome, account]) => outcome === 'signed-in' && account === 'bob')).toHaveLength(1)
  const stored = JSON.stringify(await test.poolDb.knex('sign_in_event'))
  for (const secret of ['my secret words', OPERATOR_PASSWORD, token, bob]) expect(stored).not.toContain(secret)
  const page = await done('listSignIns', { token, query: { limit: 1, outcome: 'signed-in' } })
  const rest = await done('listSignIns', { token, query: { after: page.next!, outcome: 'signed-in' } })
  expect(rest.signIns.every(({ id }) => id < page.signIns[0]!.id)).toBe(true)
  expect((await ask('listSignIns', { token: bob })).body).toMatchObject({ error: 'not-allowed' })
})

it('deletes the record of sign-ins after its retention time', async () => {
  await signIn()
  test.clock.advance({ days: 401 })
  await expect
    .poll(async () => {
      test.clock.advance({ hours: 1 })
      return (await test.poolDb.knex('sign_in_event')).length
    })
    .toBe(0)
})

it('refuses a token that is too old, and one whose password was changed since', async () => {
  const token = await signIn()
  await done('setPassword', { token, body: { account: 'operator', password: 'another password' } })
  expect((await ask('status', { token })).body).toMatchObject({ error: 'not-signed-in' })
  const fresh = (await done('signIn', { body: { account: 'operator', password: 'another password' } })).token
  await done('status', { token: fresh })
  test.clock.advance({ hours: 13 })
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
  const stored = JSON.stringify(await test.poolDb.knex('principal').where({ account: 'user [7]' }))
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
      query: { limit: 10, after },
    })
    seen.push(...page.rooms.map((room) => room.name))
    after = page.next
  }
  expect(seen).toEqual(rooms.map((room) => room.name))
})

it('says what is wrong with a request, where, and what to do', async () => {
  const token = await signIn()
  const bad: [AdminRouteName, object | undefined, Record<string, string> | undefined, RegExp][] = [
    ['addUsers', { users: [{ account: 'a\u0007' }] }, undefined, /control characters/],
    ['addUsers', { users: [{ account: 'a' }, { account: 'a' }] }, undefined, /twice/],
    ['addUsers', { users: [{ account: 'a', password: 'short' }] }, undefined, /users\.0\.password/],
    ['addRooms', { rooms: [{ name: 'r', members: ['nobody'] }] }, undefined, /no principal "nobody"/],
    ['addRooms', { rooms: [{ name: ' ' }] }, undefined, /empty/],
    [
      'addUsers',
      { users: [{ account: 'a', roles: ['king'] }] },
      undefined,
      /^users\.0\.roles\.0: takes one of admin.*, /,
    ],
    ['changeUser', { roles: { add: ['king'] } }, { user: 'operator' }, /^roles\.add\.0: takes one of administrator, /],
    [
      'changeConfiguration',
      { storyBytesMax: 50 },
      { identity: 'global' },
      /^storyBytesMax: takes a number of at least 64/,
    ],
    ['changeConfiguration', { bytes: 50 }, { identity: 'global' }, /there is no "bytes" here/],
    ['addUsers', { users: [] }, undefined, /^users: takes at least 1 entries/],
    ['setPassword', { account: 'nobody', password: 'long enough' }, undefined, /no account/],
    ['declareDead', { source: 'nobody' }, undefined, /no source/],
    ['showExport', undefined, { adapter: 'xml', number: '1' }, /no export xml\/1/],
    ['showExport', undefined, { adapter: '../..', number: '1' }, /no export/],
    ['request', undefined, { id: "1' or 1=1" }, /no request/],
  ]
  for (const [name, body, deps, message] of bad) {
    const reply = await ask(name, { token, ...(body ? { body } : {}), ...(deps ? { deps } : {}) })
    expect(reply.status, `${name} ${JSON.stringify(reply.body)}`).toBeGreaterThanOrEqual(400)
    expect(reply.status).toBeLessThan(500)
    expect(reply.body.message).toMatch(message)
  }
})

it('declares a source dead once, and tells a second caller that it already is', async () => {
  const token = await signIn()
  await startSource(test.poolDb, { name: 'channel-1', endpoint: '', now: test.clock.now() })
  const early = await ask('declareDead', { token, body: { source: 'channel-1' } })
  expect(early.body).toMatchObject({ error: 'conflict', message: expect.stringContaining('it is alive') })
  test.clock.advance({ ms: 10_001 })
  expect(await done('declareDead', { token, body: { source: 'channel-1' } })).toEqual({ source: 'channel-1', epoch: 1 })
  expect((await ask('declareDead', { token, body: { source: 'channel-1' } })).body).toMatchObject({ error: 'conflict' })
})

it('shows the ages of what a clock ahead has stamped as they are, not as 0', async () => {
  const token = await signIn()
  const { clock, complianceDb, poolDb } = test
  const ahead = clock.now() + 3 * 3_600_000
  await startSource(poolDb, { name: 'channel-1', endpoint: '', now: ahead })
  await recordSourceProgress(complianceDb, await readSourceProgress(poolDb, clock.now()))
  await poolDb.knex('outbox').delete()
  await poolDb.knex('outbox').insert({ source: 'channel-1', epoch: 1, seq: 1, at: ahead, body: '{}', head: '' })

  const status = await done('status', { token })

  expect(status.sources.find(({ source }) => source === 'channel-1')!.silentForMs).toBe(-3 * 3_600_000)
  expect(status.oldestUnexportedAgeMs).toBe(-3 * 3_600_000)
  expect(status.alarms).toContain(`The clock of source channel-1/1 is 10800 s ahead of this server's.`)
})

it('asks to seal a moment that holds what was stamped before, and refuses while a clock is too far ahead', async () => {
  const token = await signIn()
  const { clock, poolDb } = test
  await startSource(poolDb, { name: 'channel-1', endpoint: '', now: clock.now() })
  const stampedAt = (at: number) =>
    poolDb.knex('source').where({ name: 'channel-1' }).update({ last_seq: 1, last_stamp: at })
  const requested = async ({ request }: { request: string }) =>
    (await test.complianceDb.knex('request').where({ id: request }).first()).requested_at

  expect(await requested(await done('seal', { token }))).toBe(clock.now())
  await stampedAt(clock.now() + 5_000)
  expect(await requested(await done('seal', { token }))).toBe(clock.now() + 5_000)
  await stampedAt(clock.now() + 3 * 3_600_000)
  expect((await ask('seal', { token })).body).toMatchObject({
    error: 'conflict',
    message: expect.stringMatching(/^Source channel-1\/1 stamps its events 10800 s ahead/),
  })
})

it('shows who holds a lease, and breaks one on record', async () => {
  const token = await signIn()
  const { clock, complianceDb, poolDb } = test
  await takeLease(poolDb, { name: 'relay', holder: 'relay-1', clock, ttlMs: 6_000 })
  const lease = (await takeLease(complianceDb, { name: 'exporter', holder: 'w1', clock, ttlMs: 6_000 }))!
  clock.advance({ ms: 1_000 })
  expect((await done('leases', { token })).leases).toMatchObject([
    { name: 'exporter', holder: 'w1', token: 1, expiresInMs: 5_000 },
    { name: 'relay', holder: 'relay-1', token: 1, expiresInMs: 5_000 },
  ])

  expect(await done('breakLease', { token, deps: { lease: 'exporter' } })).toEqual(lease)

  await expect(assertLease(complianceDb, lease)).rejects.toThrow(LeaseLost)
  expect((await done('leases', { token })).leases).toMatchObject([{ name: 'relay' }])
  expect((await ask('breakLease', { token, deps: { lease: 'exporter' } })).body).toMatchObject({ error: 'not-found' })
  const record = await complianceDb.knex('audit_record').where({ action: 'break-lease' }).orderBy('id').first()
  expect(record).toMatchObject({ actor: 'operator', object: 'exporter', detail: '{"holder":"w1","token":1}' })
})

it('records every read of exports, and every request', async () => {
  const token = await signIn()
  await done('listExports', { token })
  await done('quarantine', { token })
  const { request } = await done('seal', { token })
  expect(await done('request', { token, deps: { id: request } })).toMatchObject({ kind: 'seal', state: 'waiting' })

  const records: { actor: string; action: string }[] = await test.complianceDb
    .knex('audit_record')
    .where({ actor: 'operator' })
    .orderBy('id')
    .select('actor', 'action')
  expect(records).toEqual(['list-exports', 'list-quarantine', 'seal'].map((action) => ({ actor: 'operator', action })))
})

it('names what is wrong with the pool, worst first', async () => {
  const token = await signIn()
  const { alarms } = await done('status', { token })
  expect(alarms).toEqual(['No relay is running: events wait in the outbox. Start one.'])
  for (const name of ['channel-1', 'channel-2'])
    await startSource(test.poolDb, { name, endpoint: `ws://${name}`, now: test.clock.now() })
  await done('setActiveServers', { token, body: { servers: { remove: ['channel-1'] } } })
  expect((await done('status', { token })).alarms).toHaveLength(1)
  test.clock.advance({ ms: 10_001 })
  await done('declareDead', { token, body: { source: 'channel-2' } })
  expect((await done('status', { token })).alarms[0]).toMatch(/^Nobody can sign in: .* \(channel-2\)/)
  await done('setPoolState', { token, body: { state: 'failed-over' } })
  expect(await done('status', { token })).toMatchObject({ state: 'failed-over' })
})
