import type { Database } from '@hansard/sql'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { appendAudit } from './audit.ts'
import { verifyAudit } from './audit-chain.ts'
import { COMPLIANCE } from './testing/databases-in-test.ts'
import { compliancePostgres, complianceSqlite } from './testing/index.ts'

describe.each(['sqlite', 'postgres'] as const)('the chain of the audit trail on %s', (dialect) => {
  let server: SharedPostgres | undefined
  let db: Database
  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
  })
  afterAll(() => server?.stop())
  beforeEach(async () => {
    db = server ? await compliancePostgres(await server.createDatabase('audit', COMPLIANCE)) : await complianceSqlite()
    const records = [1, 2, 3, 4, 5].map((at) => ({
      at,
      actor: 'ann',
      action: 'show',
      object: `xml/${at}`,
      detail: { at },
    }))
    await Promise.all(records.map((record) => appendAudit(db.knex, record)))
  })
  afterEach(() => db.close())

  const found = async () => (await verifyAudit(db)).problem
  const record = (number: number) => db.knex('audit_record').where({ number })

  it('numbers concurrent records without a gap', async () => {
    expect(await verifyAudit(db)).toMatchObject({ records: 5, problem: null })
  })

  it.each(['at', 'actor', 'action', 'object', 'detail', 'leaf', 'head'])(
    'names the first record whose %s was altered',
    async (column) => {
      await record(3).update({ [column]: column === 'at' ? 9 : '{}' })
      expect(await found()).toMatchObject({ what: 'altered', number: 3 })
    },
  )

  it('names records that were removed, from the middle and from the end', async () => {
    await record(5).delete()
    expect(await found()).toMatchObject({ what: 'missing', number: 5 })
    await record(2).delete()
    expect(await found()).toMatchObject({ what: 'missing', number: 2 })
  })

  it('names records that Hansard did not write', async () => {
    const row = { at: 1, actor: 'x', action: 'x', object: 'x', detail: '{}' }
    await db.knex('audit_record').insert(row)
    expect(await found()).toMatchObject({ what: 'added', number: null })
    await db.knex('audit_record').whereNull('number').update({ number: 6, leaf: '', head: '' })
    expect(await found()).toMatchObject({ what: 'added', number: 6 })
  })

  it('detects a trail that was cut off and made to agree, by a head that was noted elsewhere', async () => {
    const { head } = await verifyAudit(db)
    await record(5).delete()
    const { head: shorter } = await record(4).first('head')
    await db.knex('audit_chain').update({ last_number: 4, head: shorter })
    expect(await found()).toBeNull()
    const expected = await verifyAudit(db, { expect: { number: 5, head } })
    expect(expected.problem).toMatchObject({ what: 'missing', number: 5 })
  })
})
