import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AdminInTest, openAdminInTest } from './admin-in-test.ts'

const STYLESHEET = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>'

describe.each(['sqlite', 'postgres'] as const)('two people for what is exported, on %s', (dialect) => {
  let test: AdminInTest
  let omar: string
  let olga: string
  let fay: string
  beforeEach(async () => {
    test = await openAdminInTest(dialect, { approval: 'two-people' })
    omar = await test.addUser('omar', { roles: ['operator'] })
    olga = await test.addUser('olga', { roles: ['operator'] })
    fay = await test.addUser('fay', { roles: ['officer'] })
  })
  afterEach(() => test?.close())

  const propose = (token: string, settings: object | null, identity = 'adapter:two') =>
    test.done('proposeComplianceChange', { token, body: { identity, settings } })
  const approve = (token: string, { id, sha256 }: { id: number; sha256: string }) =>
    test.ask('approveComplianceChange', { token, deps: { change: id }, body: { sha256 } })
  const configured = async () => (await test.done('listComplianceConfigurations', { token: fay })).configurations
  const audited = async () =>
    (await test.done('listAudit', { token: fay, query: { limit: 50 } })).records
      .filter(({ action }) => action.startsWith('compliance-c'))
      .map(({ actor, action }) => `${actor} ${action}`)

  it('an operator alone changes nothing of what officers receive, in any way', async () => {
    const at = { token: omar, deps: { identity: 'global' } }
    expect(await test.ask('putComplianceConfiguration', { ...at, body: {} })).toMatchObject({ status: 403 })
    expect(await test.ask('removeComplianceConfiguration', at)).toMatchObject({ status: 403 })
    const { change, ended } = await propose(omar, { customConfiguration: STYLESHEET }, 'global')
    expect({ state: change.state, ended }).toEqual({ state: 'open', ended: [] })
    expect((await approve(omar, change)).body).toMatchObject({ error: 'conflict', message: /yourself/ })
    // Nor do two operators.
    expect((await approve(olga, change)).body).toMatchObject({ error: 'conflict', message: /officer/ })
    expect(await configured()).toEqual([])
  })

  it('neither does an officer alone, nor the account with every role', async () => {
    const operator = await test.signIn()
    for (const token of [fay, operator]) {
      const at = { token, deps: { identity: 'global' } }
      expect(await test.ask('putComplianceConfiguration', { ...at, body: {} })).toMatchObject({
        status: 409,
        body: { message: 'A change to what is exported takes two people.' },
      })
      const { change } = await propose(token, { addUserDetails: true })
      expect((await approve(token, change)).body).toMatchObject({ error: 'conflict', message: /yourself/ })
    }
    expect(await configured()).toEqual([])
  })

  it('what one proposes and another approves applies as it was proposed, and both are on record', async () => {
    const settings = { addUserDetails: true, customConfiguration: STYLESHEET }
    const { change } = await propose(omar, settings)
    expect(await test.done('showComplianceChange', { token: fay, deps: { change: change.id } })).toEqual(change)
    expect(change.settings).toEqual(settings)
    const { changes } = await test.done('listComplianceChanges', { token: fay, query: { open: true } })
    expect(changes).toEqual([{ ...change, settings: { addUserDetails: true } }])

    expect((await approve(fay, { ...change, sha256: 'f'.repeat(64) })).body).toMatchObject({ error: 'conflict' })
    const answer = await approve(fay, change)
    expect(answer).toMatchObject({ status: 200, body: { change: { state: 'approved', decidedBy: 'fay' } } })

    expect(await configured()).toEqual([{ identity: 'adapter:two', settings }])
    expect((await test.done('listComplianceConfigurations', { token: fay })).approval).toBe('two-people')
    expect(await audited()).toEqual(['fay compliance-configuration-put', 'omar compliance-change-proposed'])
    const put = await test.done('listAudit', { token: fay, query: { action: 'compliance-configuration-put' } })
    expect(put.records[0]?.detail).toMatchObject({ sha256: change.sha256, proposedBy: 'omar', approvedBy: 'fay' })
    expect((await test.changes()).at(-1)).toMatchObject({
      by: expect.stringContaining('fay'),
      action: 'created',
      subject: 'compliance-configuration adapter:two',
      after: { addUserDetails: true, proposedBy: 'omar' },
    })
    expect((await approve(fay, change)).body).toMatchObject({ error: 'conflict', message: /approved already, by fay/ })
  })

  it('goes stale when the setting, or the global one behind it, has changed meanwhile', async () => {
    const first = (await propose(omar, { eventsPerFileMax: 7 })).change
    const second = (await propose(omar, { eventsPerFileMax: 8 })).change
    const global = (await propose(omar, { addUserDetails: true }, 'global')).change
    expect((await approve(fay, first)).status).toBe(200)
    expect((await approve(fay, second)).body).toMatchObject({ error: 'conflict', message: /stale/ })
    const third = (await propose(omar, { eventsPerFileMax: 9 })).change
    expect((await approve(fay, global)).status).toBe(200)
    expect((await approve(fay, third)).body).toMatchObject({ error: 'conflict', message: /stale/ })
    const { changes } = await test.done('listComplianceChanges', { token: fay })
    expect(changes.map(({ state }) => state)).toEqual(['stale', 'approved', 'stale', 'approved'])
    expect((await configured()).map(({ settings }) => settings)).toEqual([
      { eventsPerFileMax: 7 },
      { addUserDetails: true },
    ])
  })

  it('is withdrawn by the person who proposed it, refused by another, and neither afterwards', async () => {
    const [mine, other] = [(await propose(omar, {})).change, (await propose(omar, {})).change]
    const close = (how: 'refuse' | 'withdraw', token: string, change: number) =>
      test.ask(`${how}ComplianceChange`, { token, deps: { change }, body: { reason: 'because' } })
    expect(await close('withdraw', fay, mine.id)).toMatchObject({ status: 409 })
    expect(await close('refuse', omar, mine.id)).toMatchObject({ status: 409 })
    expect(await close('withdraw', omar, mine.id)).toMatchObject({ body: { state: 'withdrawn', reason: 'because' } })
    expect(await close('refuse', fay, other.id)).toMatchObject({ body: { state: 'refused', decidedBy: 'fay' } })
    for (const { id, sha256 } of [mine, other]) expect((await approve(fay, { id, sha256 })).status).toBe(409)
    expect((await audited()).slice(0, 2)).toEqual(['fay compliance-change-refused', 'omar compliance-change-withdrawn'])
    expect(await configured()).toEqual([])
  })

  it('nobody approves what somebody proposed who has lost the right since, or what the database says otherwise', async () => {
    const { change } = await propose(omar, { eventsPerFileMax: 7 })
    const administrator = await test.signIn()
    const set = (disabled: boolean) =>
      test.done('changeUser', { token: administrator, deps: { user: 'omar' }, body: { disabled } })
    await set(true)
    expect((await approve(fay, change)).body).toMatchObject({ error: 'conflict', message: /may not propose/ })
    await set(false)
    const { content } = await test.complianceDb.knex('compliance_change').where({ id: change.id }).first('content')
    const update = { content: content.replace('7', '8') }
    await test.complianceDb.knex('compliance_change').where({ id: change.id }).update(update)
    expect((await approve(fay, change)).body).toMatchObject({ error: 'conflict', message: /not the one that was/ })
    expect(await configured()).toEqual([])
  })

  it('refuses a proposal that the worker could not use, and more than fifty at once', async () => {
    const ask = (settings: object | null, identity = 'adapter:xml') =>
      test.ask('proposeComplianceChange', { token: omar, body: { identity, settings } })
    expect((await ask({ customConfiguration: '<xsl' })).status).toBe(422)
    expect((await ask({ adapterOutputDirectory: '/etc' })).status).toBe(422)
    expect((await ask(null)).status).toBe(404)
    for (let count = 0; count < 50; count += 1) await propose(omar, {})
    expect((await ask({})).body).toMatchObject({ error: 'conflict', message: /50 changes are open/ })
  })

  it('a removal takes two people as well, and names the series that ended', async () => {
    for (const identity of ['global', 'adapter:two'])
      expect((await approve(fay, (await propose(omar, {}, identity)).change)).status).toBe(200)
    const { change } = await propose(omar, null, 'adapter:two')
    expect((await configured()).map(({ identity }) => identity)).toEqual(['adapter:two', 'global'])
    expect((await approve(fay, change)).body).toMatchObject({ ended: ['two'] })
    expect((await configured()).map(({ identity }) => identity)).toEqual(['global'])
  })
})

it('where one person may, an officer’s change applies at once, an operator’s does not, and that is on record', async () => {
  await using test = await opened('one-person')
  const omar = await test.addUser('omar', { roles: ['operator'] })
  const fay = await test.addUser('fay', { roles: ['officer'] })
  const body = { identity: 'global', settings: { eventsPerFileMax: 7 } }
  expect((await test.done('proposeComplianceChange', { token: omar, body })).change.state).toBe('open')
  expect((await test.done('proposeComplianceChange', { token: fay, body })).change.state).toBe('approved')
  const listed = await test.done('listComplianceConfigurations', { token: fay })
  expect(listed).toMatchObject({ approval: 'one-person', configurations: [body] })
  const { records } = await test.done('listAudit', { token: fay, query: { action: 'approval-set' } })
  expect(records.map(({ actor, detail }) => [actor, detail])).toEqual([
    ['server:admin-1', { before: null, after: 'one-person' }],
  ])
})

it('what one person has set stays marked when two are needed again, until two have approved it', async () => {
  await using test = await opened('one-person')
  const [operator, fay] = [await test.signIn(), await test.addUser('fay', { roles: ['officer'] })]
  const body = { identity: 'global', settings: { eventsPerFileMax: 7 } }
  await test.done('proposeComplianceChange', { token: fay, body })
  await test.startTwin({ approval: 'two-people', name: 'admin-2' })

  const approval = async () => (await test.done('listComplianceConfigurations', { token: operator })).approval
  expect(await approval()).toBe('one-person')
  expect((await test.changes()).at(-1)).toMatchObject({
    subject: 'compliance-configuration approval',
    before: { approval: 'one-person' },
    after: { approval: 'two-people' },
  })
  const { change } = await test.done('proposeComplianceChange', { token: operator, body })
  expect(change.state).toBe('open')
  await test.done('approveComplianceChange', {
    token: fay,
    deps: { change: change.id },
    body: { sha256: change.sha256 },
  })
  expect(await approval()).toBe('two-people')
})

async function opened(approval: 'one-person' | 'two-people') {
  const test = await openAdminInTest('sqlite', { approval })
  return { ...test, [Symbol.asyncDispose]: () => test.close() }
}
