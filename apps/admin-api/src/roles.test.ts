import { ADMIN_ROUTES, type AdminRouteName, type Caller } from '@hansard/admin-contract'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AdminInTest, openAdminInTest } from './admin-in-test.ts'

let test: AdminInTest
beforeAll(async () => {
  test = await openAdminInTest()
})
afterAll(() => test?.close())

const COMPLIANCE_CHANGES = [
  ...(['proposeComplianceChange', 'listComplianceChanges', 'showComplianceChange'] as const),
  ...(['approveComplianceChange', 'refuseComplianceChange', 'withdrawComplianceChange'] as const),
] as const

/** Written again by hand: the catalogue is under test. */
const MAY: Record<Caller, readonly AdminRouteName[]> = {
  administrator: [
    ...(['addUsers', 'listUsers', 'setPassword', 'showUser', 'changeUser', 'signOutUser'] as const),
    'listSignIns',
    ...(['addGroup', 'listGroups', 'showGroup', 'changeGroup', 'removeGroup'] as const),
    ...(['addCategory', 'listCategories', 'showCategory', 'changeCategory', 'removeCategory'] as const),
    ...(['addRooms', 'createRoom', 'listRooms', 'showRoom', 'changeRoom', 'changeRoomRoles', 'disableRoom'] as const),
    ...(['enableRoom', 'moveRoom', 'deleteRoom', 'clearRoom', 'removeChats', 'replaceChats'] as const),
    'eligiblePrincipals',
    ...(['addAddIn', 'listAddIns', 'showAddIn', 'changeAddIn', 'removeAddIn'] as const),
    ...(['addPolicy', 'listPolicies', 'showPolicy', 'changePolicy', 'removePolicy', 'grantPolicy'] as const),
    ...(['addEndpoint', 'listEndpoints', 'removeEndpoint'] as const),
    ...(['listConfigurations', 'effectiveConfiguration', 'showConfiguration'] as const),
    ...(['addConfiguration', 'changeConfiguration', 'removeConfiguration'] as const),
    ...(['poolState', 'activeServers', 'status', 'usageReport'] as const),
  ],
  operator: [
    ...([
      'status',
      'declareDead',
      'leases',
      'breakLease',
      'quarantine',
      'retryQuarantine',
      'seal',
      'request',
      'checkExports',
      'gaps',
      'acceptGap',
    ] as const),
    ...(['poolState', 'setPoolState', 'activeServers', 'setActiveServers', 'swapActiveServers'] as const),
    ...(['listComplianceConfigurations', ...COMPLIANCE_CHANGES] as const),
    ...(['listConfigurations', 'effectiveConfiguration', 'showConfiguration', 'listSignIns'] as const),
  ],
  officer: [
    ...(['putComplianceConfiguration', 'removeComplianceConfiguration', ...COMPLIANCE_CHANGES] as const),
    ...(['listExports', 'showExport', 'replayExport', 'seal', 'request', 'quarantine', 'status'] as const),
    ...(['proveEvent', 'gaps', 'acceptGap'] as const),
    ...([
      'listComplianceConfigurations',
      'listSignIns',
      'listAudit',
      'verifyAudit',
      'checkExports',
      'restoreExport',
    ] as const),
  ],
  auditor: [
    ...(['listUsers', 'showUser', 'listGroups', 'showGroup', 'listCategories', 'showCategory'] as const),
    ...(['listRooms', 'showRoom', 'eligiblePrincipals', 'listAddIns', 'showAddIn', 'listPolicies'] as const),
    ...(['showPolicy', 'listEndpoints', 'listConfigurations', 'effectiveConfiguration', 'showConfiguration'] as const),
    ...(['poolState', 'activeServers', 'status', 'usageReport', 'request', 'listExports', 'showExport'] as const),
    ...(['listComplianceChanges', 'showComplianceChange'] as const),
    ...(['quarantine', 'listComplianceConfigurations', 'listSignIns', 'listAudit', 'verifyAudit'] as const),
    ...(['proveEvent', 'gaps'] as const),
  ],
  manager: [
    ...(['createRoom', 'listRooms', 'showRoom', 'changeRoom', 'changeRoomRoles', 'disableRoom', 'moveRoom'] as const),
    ...(['eligiblePrincipals', 'listCategories', 'listAddIns'] as const),
  ],
}

const PARTS = {
  ...{ adapter: 'xml', number: 1, id: '1', user: 'none', group: 'none', category: 'none', room: 'none', addIn: 'none' },
  ...{ lease: 'none', change: 1, policy: 'none', endpoint: 'none', identity: 'none' },
}

it.each(['administrator', 'operator', 'officer', 'auditor'] as const)(
  'opens to an %s what this role may, no more',
  async (role) => {
    const token = await test.addUser(`an ${role}`, { roles: [role] })
    for (const [name, { roles }] of Object.entries(ADMIN_ROUTES)) {
      if (roles === 'everybody') continue
      const { body } = await test.ask(name as AdminRouteName, { token, deps: PARTS })
      const opened = body.error !== 'not-allowed'
      // Holders of a role may manage rooms like everybody; they are refused because they manage none.
      const hidden = ['no-such-room', 'malformed', 'not-a-creator'].includes(body.error)
      const may = MAY[role].includes(name as AdminRouteName)
      const comesAsManager = !may && MAY.manager.includes(name as AdminRouteName)
      expect(comesAsManager ? hidden || !opened : opened, `${role} ${name}: ${body.error}`).toBe(comesAsManager || may)
    }
  },
)

it('gives a caller without a role access to nothing', async () => {
  const token = await test.addUser('a participant')
  for (const [name, { roles }] of Object.entries(ADMIN_ROUTES)) {
    if (roles === 'everybody') continue
    const { body } = await test.ask(name as AdminRouteName, { token, deps: PARTS })
    const refusals = MAY.manager.includes(name as AdminRouteName)
      ? ['no-such-room', 'malformed', 'not-a-creator', 'not-allowed']
      : ['not-allowed']
    expect(refusals, name).toContain(body.error)
  }
})

it('names the roles that may call a route', async () => {
  const token = await test.addUser('another participant')
  expect(await test.ask('listUsers', { token })).toEqual({
    status: 403,
    body: { error: 'not-allowed', message: 'This takes the role administrator or auditor.' },
  })
})

it('records every read of users’ data by an auditor, and none by an administrator', async () => {
  const token = await test.addUser('watcher', { roles: ['auditor'] })
  const operator = await test.addUser('doer', { roles: ['administrator'] })
  await test.done('createRoom', { token: await test.signIn(), body: { name: 'desk', category: 'General' } })
  for (const who of [token, operator]) {
    await test.done('listUsers', { token: who, query: { name: 'a*' } })
    await test.done('showUser', { token: who, deps: { user: 'doer' } })
    await test.done('showRoom', { token: who, deps: { room: 'desk' } })
    await test.done('usageReport', { token: who })
  }
  const records: { actor: string; action: string; object: string }[] = await test.complianceDb
    .knex('audit_record')
    .whereIn('actor', ['watcher', 'doer'])
    .orderBy('id')
  expect(records.map(({ actor, action }) => [actor, action])).toEqual([
    ['watcher', 'list-users'],
    ['watcher', 'show-user'],
    ['watcher', 'show-room'],
    ['watcher', 'usage-report'],
  ])
  expect(records[1]!.object).toBe('doer')
})
