import { leafOf } from '@hansard/compliance-event'
import { expect, it } from 'vitest'
import { describeExports, MINUTE, T0, T1, T2, T3 } from './exports-in-test.ts'
import {
  chainOfAddendum,
  chainOfInterval,
  recordSourceProgress,
  registerAdapters,
  retryQuarantine,
  rostersOf,
  sourcesOfAddendum,
  sourcesOfInterval,
  stageEvents,
} from './index.ts'
import { roomUri } from './testing/scripted-pool.ts'

describeExports('exports of late events', (exportsOn) => {
  it('put late events into an addendum of the interval they belong to, before the next export', async () => {
    const { db, pool, close, plan, summary } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.says('desk', 'alice', 'in time', T0 + 10)
    source.reports(T1)
    await stageEvents(db, source.envelope(), T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    expect(summary(await plan())).toBe('1 interval 0 in time')

    const stranger = pool.source('chat-2', { startedAt: T0 })
    stranger.says('desk', 'bob', 'late', T0 + 30)
    stranger.says('desk', 'bob', 'not late', T1 + 30)
    for (const one of [source, stranger]) one.reports(T2)
    await stageEvents(db, stranger.envelope(), T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    expect(await plan()).toBeUndefined()
    await close()
    const addendum = await plan()
    expect(summary(addendum)).toBe('2 addendum 0 late')
    expect(summary(await plan())).toBe('3 interval 1 not late')
    const [late] = await sourcesOfAddendum(db, addendum!)
    const links = await Array.fromAsync(chainOfAddendum(db, addendum!, late!.id))
    expect(links.map((link) => link.seq)).toEqual([1])
    expect((await sourcesOfInterval(db, 2))[1]).toMatchObject({ afterSeq: 1, throughSeq: 2, headAfter: links[0]!.head })
  })

  it('give late events of several intervals an addendum each, including those from before the first', async () => {
    const { db, pool, close, plan, summary } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T1 })
    source.reports(T3)
    await recordSourceProgress(db, pool.rollCall(T3))
    await close()
    await close()
    const stranger = pool.source('chat-2', { startedAt: T0 })
    for (const at of [T0 + 1, T1 + 1, T1 + 2, T2 + 1]) stranger.says('desk', 'bob', `${(at - T0) % MINUTE}`, at)
    for (const one of [source, stranger]) one.reports(T3 + MINUTE)
    await stageEvents(db, stranger.envelope(), T3)
    await recordSourceProgress(db, pool.rollCall(T3 + MINUTE))
    await close()
    const all = [await plan(), await plan(), await plan(), await plan(), await plan(), await plan(), await plan()]
    expect(all.map(summary)).toEqual([
      '1 interval 1 ',
      '2 interval 2 ',
      '3 addendum 0 1',
      '4 addendum 1 1,2',
      '5 addendum 2 1',
      '6 interval 3 ',
      undefined,
    ])
  })

  it('move an event from quarantine to an addendum once it can be read', async () => {
    const { db, pool, lease, close, plan, summary } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.says('desk', 'alice', 'before', T0 + 10)
    source.says('desk', 'alice', 'held back', T0 + 20)
    source.says('desk', 'alice', 'after', T0 + 30)
    source.reports(T1)
    await stageEvents(db, source.envelope(), T1)
    // As an older program would have left it: quarantined and counted.
    const row = await db.knex('staged_event').where({ seq: 2 }).first()
    const { body, head, at } = source.recorded[1]!
    const leaf = 'as it was'
    const kept = { source_id: row.source_id, seq: 2, leaf, at, head, body: JSON.stringify(body), reason: 'too new' }
    await db.knex('quarantined_event').insert({ ...kept, state: 'waiting', counted: 1, quarantined_at: T1 })
    await db.knex('staged_event').where({ seq: 2 }).delete()
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    expect(summary(await plan())).toBe('1 interval 0 before,after')

    expect(await retryQuarantine(db, lease, { now: T1 + 5 })).toEqual({ staged: 1, remaining: 0 })
    source.reports(T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    await close()
    expect(summary(await plan())).toBe('2 addendum 0 held back')
    expect(summary(await plan())).toBe('3 interval 1 ')
    const chain = await Array.fromAsync(chainOfInterval(db, (await sourcesOfInterval(db, 1))[0]!))
    expect(chain.map((link) => link.kind)).toEqual(['chat', null, 'chat'])
  })

  it('are planned alike for a delayed adapter, whatever left quarantine meanwhile', async () => {
    const { db, pool, lease, close, plan, summary } = exportsOn()
    await registerAdapters(db, lease, [{ name: 'xml' }, { name: 'slow' }])
    const source = pool.source('chat-1', { startedAt: T0 })
    source.says('desk', 'alice', 'held back', T0 + 10)
    source.says('desk', 'alice', 'after', T0 + 20)
    source.reports(T1)
    await stageEvents(db, source.envelope(), T1)
    const { body, head, at } = source.recorded[0]!
    const { source_id } = await db.knex('staged_event').where({ seq: 1 }).first('source_id')
    const kept = { source_id, seq: 1, leaf: leafOf(body), at, head, body: JSON.stringify(body), reason: 'too new' }
    await db.knex('quarantined_event').insert({ ...kept, state: 'waiting', counted: 1, quarantined_at: T1 })
    await db.knex('staged_event').where({ seq: 1 }).delete()
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    expect(summary(await plan('xml'))).toBe('1 interval 0 after')
    await retryQuarantine(db, lease, { now: T1 + 5 })

    expect(summary(await plan('slow'))).toBe('1 interval 0 after')
    source.reports(T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    await close()
    for (const adapter of ['xml', 'slow']) expect(summary(await plan(adapter))).toBe('2 addendum 0 held back')
  })

  it('treat an event as late when its number is in a closed interval, although its stamp is not', async () => {
    const { db, pool, lease, close, plan, summary } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.says('desk', 'alice', 'before', T0 + 10)
    source.says('desk', 'alice', 'held back', T1 + 5)
    source.reports(T1)
    await stageEvents(db, source.envelope(), T1)
    const { body, head, at } = source.recorded[1]!
    const { source_id } = await db.knex('staged_event').where({ seq: 2 }).first('source_id')
    const kept = { source_id, seq: 2, leaf: leafOf(body), at, head, body: JSON.stringify(body), reason: 'too new' }
    await db.knex('quarantined_event').insert({ ...kept, state: 'waiting', counted: 1, quarantined_at: T1 })
    await db.knex('staged_event').where({ seq: 2 }).delete()
    await db.knex('source').update({ last_stamp: T0 + 10 })
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    expect(summary(await plan())).toBe('1 interval 0 before')

    await retryQuarantine(db, lease, { now: T1 + 5 })
    source.reports(T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    await close()
    expect([await plan(), await plan()].map(summary)).toEqual(['2 addendum 1 held back', '3 interval 1 '])
  })

  it('leave in quarantine what still cannot be read, and report it', async () => {
    const { db, pool, lease } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.putText('nonsense', T0 + 1)
    await stageEvents(db, source.envelope(), T1)
    expect(await retryQuarantine(db, lease, { now: T1 })).toEqual({ staged: 0, remaining: 1 })
  })

  it('retry quarantine page by page, each event once, with one result for all', async () => {
    const { db, pool, lease } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    for (let n = 1; n <= 7; n++) source.putText(`nonsense ${n}`, T0 + n)
    await stageEvents(db, source.envelope(), T1)
    const transactions: unknown[] = []
    db.knex.on('query', ({ sql }: { sql: string }) => /^COMMIT/i.test(sql) && transactions.push(sql))
    expect(await retryQuarantine(db, lease, { now: T1, pageRows: 3 })).toEqual({ staged: 0, remaining: 7 })
    expect(transactions).toHaveLength(3)
  })

  it('keep their rosters after late joins and parts have arrived', async () => {
    const { db, pool, close } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.joins('desk', 'alice', T0 + 1, 's1')
    source.reports(T1)
    await stageEvents(db, source.envelope(), T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    const first = { interval: { startsAt: T0, endsAt: T1 }, intervalNumber: 1 }
    const before = await rostersOf(db, roomUri('desk'), first)

    const survivor = pool.source('chat-2', { startedAt: T0 })
    survivor.joins('desk', 'bob', T0 + 5, 's2')
    survivor.parts('desk', 'alice', T0 + 6, { session: 's1', reason: 'orphaned' })
    for (const one of [source, survivor]) one.reports(T2)
    await stageEvents(db, survivor.envelope(), T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    await close()

    expect(await rostersOf(db, roomUri('desk'), first)).toEqual(before)
    expect(before.atEnd.map((entry) => entry.session)).toEqual(['s1'])
    const later = await rostersOf(db, roomUri('desk'), { ...first, intervalNumber: 2 })
    expect(later.atEnd.map((entry) => entry.session)).toEqual(['s2'])
  })
})
