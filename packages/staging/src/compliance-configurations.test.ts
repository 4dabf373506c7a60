import type { Database } from '@hansard/sql'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type ConfigurationSettings,
  listAudit,
  listComplianceConfigurations,
  putComplianceConfiguration,
  readStatus,
  recordSourceProgress,
  removeComplianceConfiguration,
  seedComplianceConfigurations,
} from './index.ts'
import { COMPLIANCE } from './testing/databases-in-test.ts'
import { compliancePostgres, complianceSqlite, scriptedPool } from './testing/index.ts'

const NOW = Date.UTC(2026, 10, 20, 23, 15)

describe.each(['sqlite', 'postgres'] as const)('compliance configurations on %s', (dialect) => {
  let server: SharedPostgres | undefined
  let db: Database
  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
  })
  afterAll(() => server?.stop())
  beforeEach(async () => {
    db = server
      ? await compliancePostgres(await server.createDatabase('configuration', COMPLIANCE))
      : await complianceSqlite()
  })
  afterEach(() => db.close())

  const by = { actor: 'dora', now: NOW, check: () => undefined }
  const put = (identity: string, settings: ConfigurationSettings) =>
    putComplianceConfiguration(db, { identity, settings: () => settings, ...by })
  const identities = async () => (await listComplianceConfigurations(db)).configurations.map(({ identity }) => identity)

  it('are set, read, changed and removed, each time with an audit record and a higher version', async () => {
    expect(await listComplianceConfigurations(db)).toEqual({ version: 0, approval: 'two-people', configurations: [] })

    const first = { adapterName: 'xml', addUserDetails: true, eventsPerFileMax: 10, adapterType: undefined }
    await put('global', first)
    const merged = (before?: ConfigurationSettings) => ({ ...before, addUserDetails: false })
    const changed = await putComplianceConfiguration(db, { identity: 'global', settings: merged, ...by })
    const after = { adapterName: 'xml', addUserDetails: false, eventsPerFileMax: 10 }
    expect(changed).toEqual({ outcome: 'done', before: { ...after, addUserDetails: true }, after })
    expect(await listComplianceConfigurations(db)).toEqual({
      version: 2,
      approval: 'one-person',
      configurations: [{ identity: 'global', settings: after }],
    })

    expect(await removeComplianceConfiguration(db, { identity: 'global', ...by })).toMatchObject({ before: after })
    expect(await listComplianceConfigurations(db)).toEqual({ version: 3, approval: 'two-people', configurations: [] })
    const audit = await listAudit(db, { limit: 10 })
    expect(audit.map(({ actor, action, object, detail }) => [actor, action, object, detail['after']])).toEqual([
      ['dora', 'compliance-configuration-removed', 'global', null],
      ['dora', 'compliance-configuration-put', 'global', after],
      ['dora', 'compliance-configuration-put', 'global', { ...after, addUserDetails: true }],
    ])
  })

  it('keep only the hash of a stylesheet in the audit record', async () => {
    await put('global', { customConfiguration: '<secret/>' })
    const [record] = await listAudit(db, { limit: 1 })
    expect(JSON.stringify(record)).not.toContain('secret')
    expect(record!.detail['after']).toEqual({ customConfigurationSha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect((await listComplianceConfigurations(db)).configurations[0]!.settings).toEqual({
      customConfiguration: '<secret/>',
    })
  })

  it('are checked together as they would be, and left unchanged, without a record, when refused', async () => {
    await put('global', { a: 1 })
    const seen: unknown[] = []
    const check = (all: unknown) => {
      seen.push(all)
      return 'no'
    }
    const settings = () => ({ b: 2 })
    const refused = { outcome: 'refused', problem: 'no' }
    expect(await putComplianceConfiguration(db, { identity: 'adapter:x', settings, ...by, check })).toEqual(refused)
    expect(await removeComplianceConfiguration(db, { identity: 'global', ...by, check })).toEqual(refused)
    expect(seen).toEqual([
      [
        { identity: 'adapter:x', settings: { b: 2 } },
        { identity: 'global', settings: { a: 1 } },
      ],
      [],
    ])
    expect(await removeComplianceConfiguration(db, { identity: 'site:x', ...by })).toMatchObject({
      problem: 'There is no compliance configuration site:x.',
    })
    expect(await listComplianceConfigurations(db)).toMatchObject({
      version: 1,
      configurations: [{ settings: { a: 1 } }],
    })
    expect(await listAudit(db, { limit: 10 })).toHaveLength(1)
  })

  it('are changed one after another, so that two changes cannot both pass a check that only one may pass', async () => {
    const check = (all: readonly unknown[]) => (all.length > 1 ? 'one is enough' : undefined)
    const settings = () => ({})
    const outcomes = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) =>
        putComplianceConfiguration(db, { identity: `adapter:${name}`, settings, ...by, check }),
      ),
    )
    expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(['done', 'refused', 'refused', 'refused'])
    expect(await identities()).toHaveLength(1)
  })

  it('are seeded once, by the first worker, and not again after they were removed', async () => {
    const seed = (...names: string[]) =>
      seedComplianceConfigurations(db, {
        configurations: names.map((identity) => ({ identity, settings: { adapterName: identity } })),
        ...{ actor: 'worker:w1', now: NOW },
      })
    await Promise.all([seed('global', 'adapter:b'), seed('global', 'adapter:b')])
    expect(await identities()).toEqual(['adapter:b', 'global'])
    expect((await listAudit(db, { limit: 9 })).map(({ action }) => action)).toEqual([
      'compliance-configuration-seeded',
      'compliance-configuration-seeded',
    ])
    await removeComplianceConfiguration(db, { identity: 'adapter:b', ...by })
    await seed('global', 'adapter:b', 'adapter:c')
    expect(await identities()).toEqual(['global'])
  })

  it('are not seeded over existing ones', async () => {
    await put('adapter:mine', {})
    await seedComplianceConfigurations(db, {
      configurations: [{ identity: 'global', settings: {} }],
      ...{ actor: 'worker:w1', now: NOW },
    })
    expect(await identities()).toEqual(['adapter:mine'])
  })

  it('determine the length of the open interval', async () => {
    const pool = scriptedPool()
    const source = pool.source('chat-1', { startedAt: NOW })
    source.says('desk', 'alice', 'hello', NOW + 1)
    await recordSourceProgress(db, pool.rollCall(NOW + 2))
    const open = async () => (await readStatus(db, { now: NOW + 2, runIntervalMs: 60_000 })).openInterval
    expect(await open()).toMatchObject({ endsAt: NOW + 60_000 })
    await put('global', { runIntervalMs: 900_000 })
    expect(await open()).toMatchObject({ endsAt: NOW + 900_000 })
  })
})
