import { nextHead } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { appendAudit, leafOfAudit } from './audit.ts'
import { auditHead, startAuditWalk, stepAuditWalk, verifyAudit } from './audit-chain.ts'
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

  /** A record is altered, and every head after it made to agree. */
  const rewrite = async (from: number) => {
    await record(from).update({ detail: '{"at":0}' })
    let { head } = from === 1 ? await genesis() : await record(from - 1).first('head')
    for (let number = from; number <= 5; number += 1) {
      const row = await record(number).first()
      const leaf = leafOfAudit(row)
      head = nextHead(head, leaf)
      await record(number).update({ leaf, head })
    }
    await db.knex('audit_chain').update({ head })
  }
  const genesis = async () => ({ head: (await db.knex('audit_chain').first('genesis')).genesis })
  /** The pool manifest of an interval holds where the trail was. */
  const seal = async (interval: number, mark?: { number: number; head: string }) => {
    const { number, head } = mark ?? (await auditHead(db))!
    await db.knex('pool_manifest').insert({
      number: interval,
      state: 'sealed',
      tree_size: 0,
      tree_roots: '[]',
      manifest_sha256: '',
      audit_number: number,
      audit_head: head,
      files: '[]',
      planned_at: 1,
    })
  }
  const add = (at: number) =>
    appendAudit(db.knex, { at, actor: 'ann', action: 'show', object: 'xml/1', detail: { at } })

  it('detects a trail that was rewritten and made to agree, by the heads in pool manifests', async () => {
    await seal(1)
    await add(6)
    await seal(2)
    await seal(3)
    expect(await found()).toBeNull()

    await rewrite(3)

    const message = expect.stringMatching(/after record 5 is .* the pool manifest of interval 1 has .* rewritten/)
    expect(await found()).toMatchObject({ what: 'unexpected', number: 5, message })
  })

  it('detects a trail that was rewritten before the last interval was sealed, too', async () => {
    await seal(1)
    await rewrite(5)
    await seal(2)

    expect(await found()).toMatchObject({ what: 'unexpected', number: 5 })
  })

  it('detects a trail that was made anew, with another genesis', async () => {
    await db.knex('audit_record').delete()
    await db.knex('audit_chain').update({ last_number: 0, head: 'a'.repeat(64), genesis: 'a'.repeat(64) })
    await seal(1)
    expect(await found()).toBeNull()
    await db.knex('audit_chain').update({ head: 'b'.repeat(64), genesis: 'b'.repeat(64) })

    expect(await found()).toMatchObject({ what: 'unexpected', number: 0 })
  })

  it('detects that the end was cut off and made to agree, by the newest head in a pool manifest', async () => {
    await seal(1)
    await record(5).delete()
    const { head } = await record(4).first('head')
    await db.knex('audit_chain').update({ last_number: 4, head })

    const message = expect.stringMatching(/ends with record 4, and the pool manifest of interval 1 has record 5/)
    expect(await found()).toMatchObject({ what: 'missing', number: 5, message })
  })

  it('takes steps, and finds the same in them', async () => {
    await seal(1)
    await rewrite(2)
    const walk = startAuditWalk()
    const steps = []
    do steps.push(await stepAuditWalk(db, walk, { recordsMax: 2 }))
    while (!steps.at(-1)!.ended)

    expect(steps.map(({ ended }) => ended)).toEqual([false, false, true])
    expect(steps.at(-1)).toMatchObject({ verdict: { problem: { what: 'unexpected', number: 5 } } })
    // It begins again.
    expect(await stepAuditWalk(db, walk, { recordsMax: 4 })).toEqual({ ended: false })
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
