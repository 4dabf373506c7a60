import { openApiDocument, UsageReportQuery } from '@hansard/admin-contract'
import { findPrincipal, startSource } from '@hansard/pool-store'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminInTest, NOW, openAdminInTest } from './admin-in-test.ts'
import { createUsageReport } from './usage.ts'

describe.each(['sqlite', 'postgres'] as const)('settings of the pool over HTTP, on %s', (dialect) => {
  let test: AdminInTest
  let token: string
  beforeAll(async () => {
    test = await openAdminInTest(dialect)
    token = await test.signIn()
  })
  afterAll(() => test?.close())

  it('registers, changes and removes add-ins, from rooms too', async () => {
    const addIn = { name: 'board', url: 'https://example.com/board' }
    expect(await test.done('addAddIn', { token, body: addIn })).toEqual(addIn)
    await test.done('createRoom', { token, body: { name: 'with board', category: 'General', addIn: 'board' } })
    const deps = { addIn: 'board' }
    const url = 'http://example.com/b'
    expect(await test.done('changeAddIn', { token, deps, body: { url } })).toEqual({ name: 'board', url })
    expect(await test.done('listAddIns', { token })).toEqual({ addIns: [{ name: 'board', url }], next: null })
    expect(await test.done('showAddIn', { token, deps })).toEqual({ name: 'board', url })
    const body = { url: 'javascript:alert(1)' }
    expect((await test.ask('changeAddIn', { token, deps, body })).body).toMatchObject({ error: 'invalid' })
    expect(await test.done('removeAddIn', { token, deps })).toEqual({ removed: 'board' })
    expect((await test.done('showRoom', { token, deps: { room: 'with board' } })).addIn).toBe(null)
    expect((await test.ask('showAddIn', { token, deps })).body).toMatchObject({ error: 'no-such-add-in' })
  })

  it('admits everybody until a policy says otherwise; the most specific one applies', async () => {
    await test.done('addUsers', { token, body: { users: [{ account: 'ann' }] } })
    const enabled = async () => (await test.done('showUser', { token, deps: { user: 'ann' } })).enabled
    expect(await enabled()).toBe(true)
    await test.done('changePolicy', { token, deps: { policy: 'global' }, body: { enabled: false } })
    expect(await enabled()).toBe(false)
    await test.done('addPolicy', { token, body: { identity: 'pool:test', enabled: true } })
    expect(await enabled()).toBe(true)
    await test.done('addPolicy', { token, body: { identity: 'nobody', description: 'no', enabled: false } })
    await test.done('grantPolicy', { token, body: { users: ['ann'], policy: 'nobody' } })
    expect(await enabled()).toBe(false)
    expect((await test.done('listUsers', { token, query: { policy: 'nobody' } })).users).toMatchObject([
      { account: 'ann' },
    ])
    for (const identity of ['bogus:X', 'Site:X', 'site:'])
      expect((await test.ask('addPolicy', { token, body: { identity, enabled: true } })).body, identity).toMatchObject({
        error: 'invalid',
        message: expect.stringContaining('site:<name> or pool:<name>'),
      })
    const nope = await test.ask('listUsers', { token, query: { policy: 'nope' } })
    expect(nope.body).toMatchObject({ error: 'no-such-policy', message: 'There is no policy "nope".' })
    expect((await test.done('listPolicies', { token })).policies.map(({ identity }) => identity)).toEqual([
      ...['global', 'nobody', 'pool:test'],
    ])
    await test.done('grantPolicy', { token, body: { users: ['ann'], policy: null } })
    expect(await enabled()).toBe(true)
    await test.done('removePolicy', { token, deps: { policy: 'nobody' } })
    expect((await test.ask('showPolicy', { token, deps: { policy: 'nobody' } })).body).toMatchObject({
      error: 'no-such-policy',
    })
  })

  it('stores endpoints', async () => {
    const body = { uri: 'sip:ocschat@example.com', displayName: 'Chat' }
    expect(await test.done('addEndpoint', { token, body })).toEqual(body)
    expect((await test.done('listEndpoints', { token })).endpoints).toEqual([body])
    expect(await test.done('removeEndpoint', { token, deps: { endpoint: body.uri } })).toEqual({ removed: body.uri })
    expect((await test.ask('removeEndpoint', { token, deps: { endpoint: body.uri } })).status).toBe(404)
  })

  it('configures the pool, a site and a service, and shows the effective settings', async () => {
    const at = (identity: string) => ({ token, deps: { identity } })
    expect(await test.done('showConfiguration', at('global'))).toEqual({ identity: 'global', settings: {} })
    await test.done('changeConfiguration', { ...at('global'), body: { chatBytesMax: 512, searchLimit: 10 } })
    await test.done('addConfiguration', { ...at('site:Redmond'), body: { chatBytesMax: 1_024 } })
    expect(await test.ask('addConfiguration', { ...at('site:Redmond'), body: {} })).toMatchObject({ status: 409 })
    const effective = async (query: Record<string, string>) =>
      (await test.done('effectiveConfiguration', { token, query })).settings
    expect(await effective({})).toMatchObject({ chatBytesMax: 512, searchLimit: 10, defaultChatHistory: 30 })
    expect(await effective({ site: 'Redmond' })).toMatchObject({ chatBytesMax: 1_024, searchLimit: 10 })
    const body = { chatBytesMax: null }
    expect((await test.done('changeConfiguration', { ...at('site:Redmond'), body })).settings).toEqual({})
    expect((await test.ask('changeConfiguration', { ...at('planet:x'), body })).body).toMatchObject({
      error: 'invalid',
    })
    const remarks = async (query: Record<string, string>) =>
      (await test.done('effectiveConfiguration', { token, query })).remarks
    expect(await remarks({ service: 'admin-1' })).toEqual([])
    expect(await remarks({ service: 'nope' })).toEqual([expect.stringContaining('No service "nope" has ever started')])
    await test.done('addConfiguration', { ...at('service:nope'), body: { chatBytesMax: 1_024 } })
    expect(await remarks({ service: 'nope' })).toEqual([])
    await test.done('removeConfiguration', at('service:nope'))
    await test.done('removeConfiguration', at('global'))
    expect(await effective({})).toMatchObject({ chatBytesMax: 4_096, searchLimit: 999 })
    expect((await test.done('listConfigurations', { token })).configurations).toHaveLength(1)
  })

  it('sets the active servers, and never leaves none', async () => {
    for (const name of ['channel-1', 'channel-2', 'channel-3'])
      await startSource(test.poolDb, { name, endpoint: `ws://${name}`, now: NOW })
    const all = ['channel-1', 'channel-2', 'channel-3']
    const set = async (servers: object) => test.done('setActiveServers', { token, body: { servers } })
    expect(await test.done('activeServers', { token })).toEqual({ active: all, inactive: [] })
    expect(await set({ remove: ['channel-3'] })).toEqual({ active: all.slice(0, 2), inactive: ['channel-3'] })
    expect(await test.done('swapActiveServers', { token })).toEqual({
      active: ['channel-3'],
      inactive: all.slice(0, 2),
    })
    expect((await test.ask('setActiveServers', { token, body: { servers: { remove: all } } })).status).toBe(409)
    for (const servers of [{ add: ['nope'] }, { set: ['nope'] }, { remove: ['nope'] }])
      expect((await test.ask('setActiveServers', { token, body: { servers } })).body).toMatchObject({
        message: 'There is no server "nope".',
        hint: 'There are channel-1, channel-2, channel-3.',
      })
    // From before unknown names were refused.
    const stored = (names: string[]) =>
      test.poolDb
        .knex('pool_setting')
        .where({ name: 'active-servers' })
        .update({ value: JSON.stringify(names) })
    await stored(['channel-3', 'nope'])
    expect((await test.ask('setActiveServers', { token, body: { servers: { remove: ['channel-3'] } } })).status).toBe(
      409,
    )
    expect(await set({ remove: ['nope'] })).toMatchObject({ active: ['channel-3'] })
    expect(await set({ add: ['channel-1'] })).toEqual({ active: ['channel-1', 'channel-3'], inactive: ['channel-2'] })
    expect(await set({ set: [] })).toEqual({ active: all, inactive: [] })
    expect((await test.changes()).at(-1)).toMatchObject({
      before: { allServersActive: false, activeServers: ['channel-1', 'channel-3'] },
      after: { allServersActive: true },
    })
    expect((await test.ask('swapActiveServers', { token })).status).toBe(409)
    expect(await test.done('setPoolState', { token, body: { state: 'failed-over' } })).toEqual({
      pool: 'test',
      state: 'failed-over',
    })
    expect((await test.done('poolState', { token })).state).toBe('failed-over')
  })

  it('accepts only a compliance configuration that the worker can use', async () => {
    const at = (identity: string) => ({ token, deps: { identity } })
    const settings = { adapterName: 'xml', adapterType: 'xml', runIntervalMs: 900_000 }
    expect(await test.done('putComplianceConfiguration', { ...at('global'), body: settings })).toEqual({
      identity: 'global',
      settings,
      ended: [],
    })
    const refused: [string, object][] = [
      ['adapter:two', { adapterType: 'none' }],
      ['adapter:two', { adapterOutputDirectory: '../../etc' }],
      ['adapter:two', { adapterOutputDirectory: '/etc' }],
      ['adapter:two', { customConfiguration: '<a' }],
      ['adapter:two', { adapterName: 'xml' }],
      ['nothing', {}],
    ]
    for (const [identity, body] of refused) {
      const answer = await test.ask('putComplianceConfiguration', { ...at(identity), body })
      expect(answer.body, JSON.stringify(body)).toMatchObject({ error: 'invalid' })
    }
    await test.done('putComplianceConfiguration', { ...at('adapter:two'), body: { addUserDetails: true } })
    expect(await test.done('removeComplianceConfiguration', at('adapter:two'))).toEqual({
      removed: 'adapter:two',
      ended: ['two'],
    })
    expect((await test.ask('removeComplianceConfiguration', at('adapter:two'))).status).toBe(404)
    expect((await test.done('listComplianceConfigurations', { token })).configurations).toEqual([
      { identity: 'global', settings },
    ])
  })

  it('gives the past to a series without exports only', async () => {
    const at = (identity: string) => ({ token, deps: { identity } })
    await test.complianceDb.knex('export').insert({
      ...{ adapter: 'begun', number: 1, kind: 'interval', interval_number: 1, starts_at: 0, ends_at: 60_000 },
      ...{ state: 'sealed', events: 0, planned_at: 0 },
    })
    const fresh = await test.done('putComplianceConfiguration', { ...at('adapter:fresh'), body: { exportFrom: 0 } })
    expect(fresh.settings).toEqual({ exportFrom: 0 })
    await test.done('putComplianceConfiguration', { ...at('adapter:begun'), body: {} })
    const refused = await test.ask('putComplianceConfiguration', { ...at('adapter:begun'), body: { exportFrom: 0 } })
    expect(refused.body).toMatchObject({
      error: 'invalid',
      message: expect.stringContaining('series begun has exports'),
    })
    expect(
      (await test.ask('putComplianceConfiguration', { ...at('adapter:fresh'), body: { exportFrom: -1 } })).status,
    ).toBe(400)
    for (const identity of ['adapter:begun', 'adapter:fresh'])
      await test.done('removeComplianceConfiguration', at(identity))
  })

  it('resets the global compliance configuration to its defaults, and keeps its series', async () => {
    const global = { token, deps: { identity: 'global' } }
    const body = { adapterName: 'firm', addUserDetails: true, runIntervalMs: 900_000 }
    const renamed = await test.done('putComplianceConfiguration', { ...global, body })
    expect(renamed.ended).toEqual(['xml'])
    expect(await test.done('removeComplianceConfiguration', global)).toEqual({ removed: 'global', ended: [] })
    expect((await test.done('listComplianceConfigurations', { token })).configurations).toEqual([
      { identity: 'global', settings: { adapterName: 'firm' } },
    ])
  })

  it('reports usage of the pool, one report at a time', async () => {
    const query = { roomsInactiveSince: NOW + 1 }
    const report = await test.done('usageReport', { token, query })
    expect(report).toMatchObject({ end: NOW, start: NOW - 30 * 86_400_000, chats: 0 })
    expect(report.roomsInactiveSince?.rooms.map(({ name }) => name)).toEqual(['with board'])
    expect((await test.ask('usageReport', { token, query: { start: 2, end: 1 } })).status).toBe(400)
    // Sent in the same tick, so that the first is still running, however fast the database is.
    const make = createUsageReport()
    const call = {
      query: UsageReportQuery.parse({}),
      actor: (await findPrincipal(test.poolDb, { account: 'operator' }))!,
    }
    const both = [make(test as never, call as never), make(test as never, call as never)]
    const [first, second] = await Promise.allSettled(both)
    expect(first).toMatchObject({ status: 'fulfilled', value: { chats: 0 } })
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'try-again' } })
    expect(await make(test as never, call as never)).toMatchObject({ chats: 0 })
  })

  it('serves its description to everybody', async () => {
    expect(await test.done('openapi')).toEqual(JSON.parse(JSON.stringify(openApiDocument({ version: '1' }))))
  })

  it('has recorded every one of these changes with its author', async () => {
    const changes = (await test.changes()).filter(({ by }) => by === 'sip:operator@example.com')
    const subjects = new Set(changes.map(({ action, subject }) => `${action} ${subject.split(' ')[0]}`))
    for (const subject of ['add-in', 'policy', 'endpoint', 'pool-configuration'])
      for (const action of ['created', 'deleted']) expect([...subjects]).toContain(`${action} ${subject}`)
    expect([...subjects]).toContain('changed pool-state')
  })
})
