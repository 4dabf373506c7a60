import {
  createRecordWriter,
  findPrincipal,
  type RecordWriter,
  readOutbox,
  readSourceProgress,
  startSource,
} from '@hansard/pool-store'
import { recordSourceProgress, stageEvents } from '@hansard/staging'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AdminInTest, openAdminInTest } from './admin-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('gaps, on %s', (dialect) => {
  let test: AdminInTest
  let writer: RecordWriter
  let tokens: Record<'olivia' | 'otto' | 'omar' | 'audrey', string>

  /** Five events, of which somebody removed numbers 2 and 3 on their way into the outbox. */
  beforeEach(async () => {
    test = await openAdminInTest(dialect)
    const { poolDb: db, clock } = test
    const room = { uri: 'ma-chan://example.com/11111111-2222-4333-8444-555555555555', name: 'desk' }
    const [row] = await db
      .knex('room')
      .insert({ ...room, privacy: 'open', created_at: 1 })
      .returning('id')
    tokens = {
      olivia: await test.addUser('olivia', { roles: ['officer'] }),
      otto: await test.addUser('otto', { roles: ['operator'] }),
      omar: await test.addUser('omar', { roles: ['operator'] }),
      audrey: await test.addUser('audrey', { roles: ['auditor'] }),
    }
    const principal = (await findPrincipal(db, { account: 'otto' }))!
    const source = await startSource(db, { name: 'channel-1', endpoint: 'ws://channel-1', now: clock.now() })
    writer = createRecordWriter({ db, clock, source, place: { pool: 'test', site: undefined } })
    for (const session of ['1', '2', '3', '4', '5']) {
      const fact = { kind: 'join', roomId: row.id, principal, session, rights: 1 } as const
      const outcome = await writer.record(fact)
      if (outcome instanceof Error) throw outcome
    }
    await db.knex.raw('create table kept_outbox as select * from outbox')
    await db.knex('outbox').where({ source: 'channel-1' }).whereIn('seq', [2, 3]).delete()
    await relay()
  })
  afterEach(async () => {
    await writer.stop()
    await test.close()
  })

  /** What a relay and a worker do. */
  async function relay(): Promise<void> {
    const { poolDb, complianceDb, clock } = test
    const progress = await readSourceProgress(poolDb, clock.now())
    await recordSourceProgress(complianceDb, progress)
    for (const { source, epoch, incarnation } of progress.sources) {
      const events = await readOutbox(poolDb, { source, epoch, afterSeq: 0, limit: 1_000 })
      if (events.length > 0) await stageEvents(complianceDb, { source, epoch, incarnation, events }, clock.now())
    }
  }

  const list = () => test.done('gaps', { token: tokens.otto })
  const accept = (who: keyof typeof tokens, more: object = {}) =>
    test.ask('acceptGap', {
      token: tokens[who],
      body: { source: 'channel-1', epoch: 1, from: 2, to: 3, reason: 'removed by somebody', ...more },
    })
  const alarms = async () =>
    (await test.done('status', { token: tokens.otto })).alarms.filter((alarm) => alarm.includes('do not arrive'))

  it('are accepted by two people, one of them an officer, on record', async () => {
    expect(await alarms()).toEqual([expect.stringMatching(/^Numbers of source channel-1\/1 .*hansard gaps list/)])
    const [gap] = (await list()).open
    expect(gap).toMatchObject({ source: 'channel-1', epoch: 1, from: 2, to: 3, what: 'never-staged', proposal: null })
    expect(gap!.after).not.toBeNull()
    expect(gap!.before).not.toBeNull()

    expect((await accept('audrey')).status).toBe(403)
    expect((await accept('otto', { reason: undefined })).body).toMatchObject({ message: 'A proposal needs a reason.' })
    expect((await accept('otto')).body).toMatchObject({ outcome: 'proposed' })
    expect((await accept('otto', { reason: 'again' })).body).toMatchObject({ outcome: 'proposed' })
    expect((await list()).open).toMatchObject([{ proposal: { by: 'otto', reason: 'again' } }])
    expect((await accept('omar')).body.message).toMatch(/neither of you is an officer/)
    expect(await alarms()).toHaveLength(1)
    expect((await accept('olivia')).body).toMatchObject({ outcome: 'accepted', proposedBy: 'otto', reason: 'again' })

    expect(await list()).toMatchObject({ open: [], accepted: [{ from: 2, to: 3, acceptedBy: ['otto', 'olivia'] }] })
    expect(await alarms()).toEqual([])
    const { records } = await test.done('listAudit', { token: tokens.audrey, query: { action: 'accept-gap' } })
    expect(records).toMatchObject([{ actor: 'olivia', detail: { proposedBy: 'otto', reason: 'again' } }])
    expect((await test.done('verifyAudit', { token: tokens.audrey })).problem).toBeNull()
    const [source] = (await test.done('status', { token: tokens.otto })).sources.filter(
      (one) => one.source === 'channel-1',
    )
    expect(source).toMatchObject({ lastSeq: 5, stagedThrough: 5 })
  })

  it('need another second person when the first has lost the right since', async () => {
    const { poolDb } = test
    expect((await accept('olivia')).body).toMatchObject({ outcome: 'proposed' })
    await poolDb.knex('principal').where({ account: 'olivia' }).update({ disabled: true })
    expect((await accept('otto')).body).toMatchObject({ outcome: 'proposed', proposedBy: 'otto' })

    await poolDb.knex('principal').where({ account: 'olivia' }).update({ disabled: false })
    expect((await accept('olivia')).body).toMatchObject({ outcome: 'accepted', proposedBy: 'otto' })
  })

  it('are refused where the outbox has a number again, or other numbers are named', async () => {
    expect((await accept('otto', { to: 4 })).body).toMatchObject({ hint: 'Missing are 2 to 3.' })
    expect((await accept('otto', { source: 'nobody' })).status).toBe(409)
    expect((await accept('otto', { incarnation: 'f'.repeat(32) })).status).toBe(409)
    await accept('otto')
    await test.poolDb.knex.raw(`insert into outbox select * from kept_outbox where source = 'channel-1' and seq = 3`)
    expect((await accept('olivia')).body).toMatchObject({ hint: 'Missing are 2 to 2.' })
  })

  it('of rows that were removed after they were staged are listed unless the outbox still has them', async () => {
    await test.poolDb.knex.raw(
      `insert into outbox select * from kept_outbox where source = 'channel-1' and seq in (2, 3)`,
    )
    await relay()
    expect((await list()).open).toEqual([])
    const { id } = await test.complianceDb.knex('source').where({ name: 'channel-1' }).first('id')
    await test.complianceDb.knex('staged_event').where({ source_id: id }).whereIn('seq', [2, 3]).delete()
    await test.complianceDb.knex('source').where({ id }).update({ lacks_from: 2 })
    expect((await list()).open).toEqual([])
    expect((await accept('otto')).status).toBe(409)

    await test.poolDb.knex('outbox').where({ source: 'channel-1' }).whereIn('seq', [2, 3]).delete()
    expect((await list()).open).toMatchObject([{ from: 2, to: 3, what: 'removed' }])
    await accept('olivia')
    expect((await accept('otto')).body).toMatchObject({ outcome: 'accepted' })
    expect((await list()).open).toEqual([])
  })
})
