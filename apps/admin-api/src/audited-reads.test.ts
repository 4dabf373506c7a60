import { ADMIN_ROUTES, type AdminRouteName, type Look, type Route } from '@hansard/admin-contract'
import type { PoolRole } from '@hansard/rooms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminInTest, NOW, openAdminInTest } from './admin-in-test.ts'

type Audited = { actor: string; action: string; object: string; at: number; detail: string }
type Reading = { readonly name: AdminRouteName; readonly route: Route; readonly look: Look }

const READING: readonly Reading[] = (Object.keys(ADMIN_ROUTES) as AdminRouteName[]).flatMap((name) => {
  const route: Route = ADMIN_ROUTES[name]
  return route.look ? [{ name, route, look: route.look }] : []
})

/** Reads that leave no audit record: an addition needs a reason that an auditor would accept. */
const UNRECORDED = ['openapi', 'status', 'request']

/** Where a query must say something. */
const QUERIES: Partial<Record<AdminRouteName, Record<string, string>>> = {
  eligiblePrincipals: { category: 'General' },
  proveEvent: { event: 'channel-1/1/1' },
}

describe.each(['sqlite', 'postgres'] as const)('the audit trail of the admin API, on %s', (dialect) => {
  let test: AdminInTest
  let operator: string
  const tokens: Partial<Record<PoolRole, string>> = {}
  beforeAll(async () => {
    test = await openAdminInTest(dialect)
    operator = await test.signIn()
    for (const role of ['administrator', 'operator', 'officer', 'auditor'] as const)
      tokens[role] = await test.addUser(`an ${role}`, { roles: [role] })
    await test.done('addGroup', { token: operator, body: { name: 'Traders' } })
    await test.done('addAddIn', { token: operator, body: { name: 'board', url: 'https://board.example.com' } })
    await test.done('createRoom', { token: operator, body: { name: 'desk', category: 'General' } })
  })
  afterAll(() => test?.close())

  const PARTS = {
    ...{ user: 'operator', group: 'Traders', room: 'desk', category: 'General', addIn: 'board' },
    ...{ policy: 'global', identity: 'global', adapter: 'xml', number: 1, id: 1, change: 1 },
  }
  const audited = (): Promise<Audited[]> => test.complianceDb.knex('audit_record').orderBy('id')
  /** The audit records that a request adds, and its answer. */
  const ask = async (name: AdminRouteName, options: Parameters<AdminInTest['ask']>[1]) => {
    const before = (await audited()).length
    const { status } = await test.ask(name, { deps: PARTS, ...options })
    return { status, added: (await audited()).slice(before) }
  }

  it.each(['auditor', 'officer', 'operator', 'administrator'] as const)(
    'holds one record of every read that the catalogue audits for an %s, and no other',
    async (role) => {
      let kept = 0
      for (const { name, route, look } of READING) {
        const query = QUERIES[name] ?? {}
        const { status, added } = await ask(name, { token: tokens[role], query })
        const may = route.roles === 'everybody' || route.roles.includes(role)
        // Everybody may call these as a manager of rooms, and is refused because they manage none.
        const asManager = !may && route.roles.includes('manager')
        if (!asManager) expect(status === 403, `${name}: ${status}`).toBe(!may)
        const keeps = look.of !== 'nobody' && may && (look.of === 'everybody' || look.of.includes(role))
        const records = added.map(({ actor, action, at }) => ({ actor, action, at }))
        expect(records, name).toEqual(keeps ? [{ actor: `an ${role}`, action: look.action, at: NOW }] : [])
        kept += records.length
      }
      expect(kept).toBeGreaterThan(0)
    },
  )

  it('records every read by an auditor, except those listed with a reason', () => {
    const unkept = READING.filter(
      ({ route, look }) =>
        (route.roles === 'everybody' || route.roles.includes('auditor')) &&
        !(look.of === 'everybody' || (look.of !== 'nobody' && look.of.includes('auditor'))),
    )
    expect(unkept.map(({ name }) => name).sort()).toEqual([...UNRECORDED].sort())
    expect(unkept.flatMap(({ look }) => (look.of === 'nobody' ? look.because : [])).every((why) => why !== '')).toBe(
      true,
    )
    // Everything an auditor may read must be a GET route: other methods are not audited as reads.
    const others = Object.values<Route>(ADMIN_ROUTES).filter(
      ({ roles, method }) => method !== 'GET' && roles !== 'everybody' && roles.includes('auditor'),
    )
    expect(others).toEqual([])
    expect(READING.length).toBeGreaterThan(20)
  })

  it('records what was read, by a lasting name, and the request', async () => {
    const token = tokens.auditor
    const { uri } = await test.done('showRoom', { token: operator, deps: { room: 'desk' } })
    const object = async (name: AdminRouteName, options: object = {}) =>
      (await ask(name, { token, ...options })).added.map(({ object }) => object)
    expect(await object('showRoom')).toEqual([uri])
    expect(await object('showCategory')).toEqual([expect.stringMatching(/^ma-cat:/)])
    expect(await object('showUser')).toEqual(['operator'])
    expect(await object('showExport', { deps: { adapter: 'xml', number: 1 } })).toEqual(['xml/1'])
    const { added } = await ask('listUsers', { token, query: { name: 'o*', limit: 2 } })
    expect(JSON.parse(added[0]!.detail)).toEqual({ name: 'o*', limit: 2 })
  })

  it('records a read of something that does not exist, and no read that is refused for lack of a role', async () => {
    const missing = await ask('showUser', { token: tokens.auditor, deps: { user: 'nobody at all' } })
    expect([missing.status, missing.added.map(({ object }) => object)]).toEqual([404, ['nobody at all']])
    const gone = await ask('showExport', { token: tokens.officer, deps: { adapter: 'xml', number: 99 } })
    expect([gone.status, gone.added.map(({ object }) => object)]).toEqual([404, ['xml/99']])
    expect(await ask('listUsers', { token: tokens.officer })).toEqual({ status: 403, added: [] })
    expect(await ask('listUsers', {})).toEqual({ status: 401, added: [] })
  })

  it('shows nothing when the read cannot be recorded', async () => {
    await test.complianceDb.knex.schema.renameTable('audit_record', 'audit_record_away')
    const { status, body } = await test.ask('listUsers', { token: tokens.auditor })
    await test.complianceDb.knex.schema.renameTable('audit_record_away', 'audit_record')
    expect([status, body.error, 'users' in body]).toEqual([500, 'failed', false])
  })
})
