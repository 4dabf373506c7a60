import { expect, it } from 'vitest'
import { describeExports, MINUTE, T0, T1, T2, T3 } from './exports-in-test.ts'
import {
  acceptGap,
  bindEvents,
  chainOfInterval,
  findExport,
  gapsOfExport,
  lackingNumbers,
  listAudit,
  listQuarantined,
  nextUnsealed,
  noteLacking,
  numberExports,
  readStatus,
  recordSourceProgress,
  StagedRowMissing,
  sourcesOfInterval,
  stagedStates,
  stageEvents,
  verifyAudit,
} from './index.ts'

const olivia = { account: 'olivia', officer: true }
const otto = { account: 'otto', officer: false }
const omar = { account: 'omar', officer: false }

describeExports('accepted gaps', (exportsOn) => {
  /** A source with eight events in the first minute, of which the given ones are lost. */
  async function withLoss(lost: readonly number[]) {
    const { db, pool } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0, incarnation: 'a'.repeat(32) })
    for (let n = 1; n <= 8; n++) source.says('desk', 'alice', `${n}`, T0 + n)
    source.reports(T1)
    const identity = { source: 'chat-1', epoch: 1, incarnation: 'a'.repeat(32) }
    const events = source.recorded.filter(({ seq }) => !lost.includes(seq))
    await stageEvents(db, { ...identity, events }, T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    const ask = (by: typeof olivia, from: number, to: number, reason: string | undefined = 'the disk was cut') =>
      acceptGap(db, { source: identity, from, to, by, reason, now: T1 + 5 })
    const arrive = (seq: number) => stageEvents(db, { ...identity, events: [source.recorded[seq - 1]!] }, T2)
    return { ...exportsOn(), source, identity, ask, arrive }
  }

  it('are proposed by one person and accepted by another, one of them an officer', async () => {
    const { db, ask, identity: source } = await withLoss([4, 5])
    const silent = acceptGap(db, { source, from: 4, to: 5, by: otto, reason: undefined, now: T1 })
    expect(await silent).toMatchObject({ outcome: 'refused', why: 'A proposal needs a reason.' })
    expect(await ask(otto, 4, 5)).toEqual({ outcome: 'proposed' })
    expect(await ask(otto, 4, 5)).toEqual({ outcome: 'proposed' })
    expect(await ask(omar, 4, 5)).toMatchObject({
      outcome: 'refused',
      why: expect.stringMatching(/neither .* officer/),
    })
    expect(await ask(olivia, 4, 5)).toEqual({ outcome: 'accepted', proposedBy: 'otto', reason: 'the disk was cut' })
    expect(await ask(olivia, 4, 5)).toMatchObject({
      outcome: 'refused',
      why: expect.stringMatching(/accepted .* before/),
    })

    const [accepted] = await listAudit(db, { action: 'accept-gap', limit: 2 })
    expect(accepted).toMatchObject({ actor: 'olivia', object: `chat-1/1/${'a'.repeat(32)} 4-5` })
    expect(accepted!.detail).toEqual({ proposedBy: 'otto', reason: 'the disk was cut', remark: 'the disk was cut' })
    expect(await db.knex('accepted_gap').select('audit_number', 'audit_head')).toEqual([
      { audit_number: accepted!.number, audit_head: accepted!.head },
    ])
    expect((await verifyAudit(db)).problem).toBeNull()
  })

  it('are refused while a number of them may still arrive, and where nothing is missing', async () => {
    const { db, ask, arrive, identity } = await withLoss([4, 5, 7])
    await ask(otto, 4, 5)
    expect(await ask(olivia, 5, 5)).toMatchObject({ outcome: 'refused', why: 'The first number that is missing is 4.' })
    expect(await ask(olivia, 4, 6)).toMatchObject({
      outcome: 'refused',
      why: 'Number 6 is in the compliance database.',
    })
    expect(await ask(olivia, 9, 9)).toMatchObject({ outcome: 'refused', why: /up to 8 only/ })
    expect(await ask(olivia, 2, 3)).toMatchObject({
      outcome: 'refused',
      why: 'Number 2 is in the compliance database.',
    })

    const { seq, at, head } = { seq: 5, at: T0 + 5, head: 'b'.repeat(64) }
    await arrive(4)
    await stageEvents(db, { ...identity, events: [{ seq, at, head, body: 'another text' }] }, T1)
    expect(await listQuarantined(db, { limit: 9 })).toHaveLength(1)
    expect(await ask(otto, 5, 5)).toMatchObject({ outcome: 'refused', why: expect.stringMatching(/in quarantine/) })
  })

  it('let the interval close, with what waited behind them, and are in its export', async () => {
    const { db, ask, close, plan, summary } = await withLoss([4, 5])
    expect(await close()).toMatchObject({ close: false, holding: [{ why: 'behind', missing: 5 }] })
    await ask(olivia, 4, 5)
    await ask(otto, 4, 5)
    expect(await close()).toEqual({ close: true })
    expect(summary(await plan())).toBe('1 interval 0 1,2,3,6,7,8')

    const [part] = await sourcesOfInterval(db, 1)
    const chain = await Array.fromAsync(chainOfInterval(db, part!))
    expect(chain.map(({ seq }) => seq)).toEqual([1, 2, 3, 6, 7, 8])
    const [gap] = await gapsOfExport(db, (await findExport(db, { adapter: 'xml', number: 1 }))!)
    expect(gap).toEqual({
      ...{ source: 'chat-1', epoch: 1, incarnation: 'a'.repeat(32), from: 4, to: 5 },
      ...{
        head: null,
        headAfter: chain[3]!.head,
        acceptedBy: ['olivia', 'otto'],
        at: T1 + 5,
        reason: 'the disk was cut',
      },
    })
  })

  it('have the head that the source reported, where they are the last numbers', async () => {
    const { db, source, ask, close, plan, arrive, pool, summary } = await withLoss([7, 8])
    await ask(olivia, 7, 8)
    await ask(otto, 7, 8)
    await close()
    expect(summary(await plan())).toBe('1 interval 0 1,2,3,4,5,6')
    const head = source.recorded[7]!.head
    const [gap] = await gapsOfExport(db, (await findExport(db, { adapter: 'xml', number: 1 }))!)
    expect(gap).toMatchObject({ from: 7, to: 8, head, headAfter: null })
    expect(await sourcesOfInterval(db, 1)).toMatchObject([{ afterSeq: 0, throughSeq: 8, headThrough: head }])

    source.says('desk', 'alice', '9', T1 + 1)
    source.reports(T2)
    await arrive(9)
    await recordSourceProgress(db, pool.rollCall(T2))
    await close()
    expect(summary(await plan())).toBe('2 interval 1 9')
  })

  it('count with the number after them when the interval ends in between', async () => {
    const { db, source, ask, close, plan, pool, identity, summary } = await withLoss([7, 8])
    source.says('desk', 'alice', '9', T1 + 1)
    source.says('desk', 'alice', '10', T1 + 2)
    source.reports(T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    await stageEvents(db, { ...identity, events: source.recorded.slice(8) }, T2)
    await ask(olivia, 7, 8)
    await ask(otto, 7, 8)
    await close()
    await close()
    expect([await plan(), await plan()].map(summary)).toEqual(['1 interval 0 1,2,3,4,5,6', '2 interval 1 9,10'])
    const of = async (number: number) => gapsOfExport(db, (await findExport(db, { adapter: 'xml', number }))!)
    expect([await of(1), await of(2)]).toMatchObject([[], [{ from: 7, to: 8, headAfter: source.recorded[8]!.head }]])
  })

  it.each(['before', 'after'])('take numbers that arrive %s their interval closed into an addendum', async (when) => {
    const { db, ask, close, plan, arrive, source, pool, summary } = await withLoss([4, 5])
    await ask(olivia, 4, 5)
    await ask(otto, 4, 5)
    if (when === 'before') await arrive(5)
    await close()
    if (when === 'before') {
      expect([await plan(), await plan()].map(summary)).toEqual(['1 addendum 0 5', '2 interval 0 1,2,3,6,7,8'])
      await arrive(4)
    } else {
      expect(summary(await plan())).toBe('1 interval 0 1,2,3,6,7,8')
      await arrive(4)
      await arrive(5)
    }
    source.reports(T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    await close()
    expect([await plan(), await plan()].map(summary)).toEqual(
      when === 'before' ? ['3 addendum 0 4', '4 interval 1 '] : ['2 addendum 0 4,5', '3 interval 1 '],
    )
    expect(await listQuarantined(db, { limit: 9 })).toEqual([])
  })

  it('take no other text in the place of a number', async () => {
    const { db, ask, close, identity, source, arrive } = await withLoss([4, 5])
    await ask(olivia, 4, 5)
    await ask(otto, 4, 5)
    await close()
    const { seq, at, body } = source.recorded[4]!
    await stageEvents(db, { ...identity, events: [{ seq, at, body, head: 'b'.repeat(64) }] }, T2)
    await stageEvents(
      db,
      { ...identity, events: [{ ...source.recorded[3]!, body: body.replace('"seq":5', '"seq":4') }] },
      T2,
    )
    const reasons = (await listQuarantined(db, { limit: 9 })).map(({ reason }) => reason)
    expect(reasons).toEqual([
      'its bytes do not continue the chain of its source',
      'the number after it does not continue from its bytes',
    ])
    await arrive(4)
    expect(await db.knex('staged_event').where({ seq: 4 }).first('late_in')).toEqual({ late_in: 2 })
  })

  it('stand in front of late events in the addendum that has these', async () => {
    const { db, pool, close, plan, summary } = exportsOn()
    const other = pool.source('chat-2', { startedAt: T0 })
    other.reports(T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    const late = pool.source('chat-1', { startedAt: T0 })
    for (let n = 1; n <= 4; n++) late.says('desk', 'bob', `${n}`, T0 + n)
    late.says('desk', 'bob', '5', T1 + 5)
    for (const one of [late, other]) one.reports(T2)
    const source = { source: 'chat-1', epoch: 1 }
    await stageEvents(db, { ...source, events: late.recorded.filter(({ seq }) => seq !== 2) }, T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    for (const by of [olivia, otto]) await acceptGap(db, { source, from: 2, to: 2, by, reason: 'lost', now: T2 })
    await close()
    expect([await plan(), await plan(), await plan()].map(summary)).toEqual([
      '1 interval 0 ',
      '2 addendum 0 1,3,4',
      '3 interval 1 5',
    ])
    const of = async (number: number) => gapsOfExport(db, (await findExport(db, { adapter: 'xml', number }))!)
    expect([await of(2), await of(3)]).toMatchObject([[{ from: 2, to: 2, headAfter: late.recorded[2]!.head }], []])
  })
})

describeExports('staged rows that somebody removed', (exportsOn) => {
  async function withRemoved(removed: readonly number[]) {
    const { db, pool, lease, close } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.joins('desk', 'alice', T0 + 1)
    for (let n = 2; n <= 6; n++) source.says('desk', 'alice', `${n}`, T0 + n)
    source.parts('desk', 'alice', T0 + 7)
    source.reports(T1)
    await stageEvents(db, source.envelope(), T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    // Their export is planned when they are removed.
    await numberExports(db, lease, { adapter: 'xml', now: T2 })
    await bindEvents(db, lease, (await nextUnsealed(db, 'xml'))!)
    await db.knex('staged_event').whereIn('seq', removed).delete()
    const [part] = await sourcesOfInterval(db, 1)
    const chain = () => Array.fromAsync(chainOfInterval(db, part!))
    const missing: unknown = await chain().catch((error: unknown) => error)
    expect(missing).toBeInstanceOf(StagedRowMissing)
    await noteLacking(db, lease, missing as StagedRowMissing)
    return { ...exportsOn(), source, chain }
  }

  it('are named, and return to their place when their texts arrive again', async () => {
    const { db, source, chain, plan, summary } = await withRemoved([1, 3, 4])
    expect(await lackingNumbers(db)).toMatchObject([{ source: 'chat-1', from: 1, to: 1 }])
    const [state] = (await stagedStates(db, [{ source: 'chat-1', epoch: 1 }])).values()
    expect(state!.lacking).toEqual([{ from: 1, to: 1 }])

    const stays = await db.knex('participation')
    expect(await stageEvents(db, source.envelope(), T2)).toMatchObject({ staged: 3, quarantined: 0 })
    expect(await db.knex('participation')).toEqual(stays)
    expect((await chain()).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(summary(await plan())).toBe('1 interval 0 join,2,3,4,5,6,part')
    expect(await lackingNumbers(db)).toEqual([])
    expect(await db.knex('source').where('fork_seq', '>', 0)).toEqual([])
  })

  it('are accepted as a gap where nothing has them any more, and the export is planned without them', async () => {
    const { db, chain, plan, summary } = await withRemoved([3, 4])
    const source = { source: 'chat-1', epoch: 1 }
    const ask = (by: typeof olivia) => acceptGap(db, { source, from: 3, to: 4, by, reason: 'removed', now: T2 })
    expect([await ask(olivia), await ask(otto)]).toMatchObject([{ outcome: 'proposed' }, { outcome: 'accepted' }])
    expect((await chain()).map(({ seq }) => seq)).toEqual([1, 2, 5, 6, 7])
    const planned = await plan()
    expect(summary(planned)).toBe('1 interval 0 join,2,5,6,part')
    expect(planned!.events).toBe(5)
    expect(await lackingNumbers(db)).toEqual([])
    expect(await gapsOfExport(db, (await findExport(db, { adapter: 'xml', number: 1 }))!)).toMatchObject([
      { from: 3, to: 4, head: null },
    ])
  })

  it('that lie in two intervals are a gap in each', async () => {
    const { db, pool, close, plan, summary } = exportsOn()
    const one = pool.source('chat-1', { startedAt: T0 })
    for (let n = 1; n <= 4; n++) one.says('desk', 'alice', `${n}`, T0 + n)
    for (let n = 5; n <= 8; n++) one.says('desk', 'alice', `${n}`, T1 + n)
    one.reports(T2)
    await stageEvents(db, one.envelope(), T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    await close()
    await close()
    await db.knex('staged_event').whereIn('seq', [4, 5]).delete()
    const source = { source: 'chat-1', epoch: 1 }
    for (const by of [olivia, otto]) await acceptGap(db, { source, from: 4, to: 5, by, reason: 'removed', now: T2 })

    expect([await plan(), await plan()].map(summary)).toEqual(['1 interval 0 1,2,3', '2 interval 1 6,7,8'])
    const of = async (number: number) => gapsOfExport(db, (await findExport(db, { adapter: 'xml', number }))!)
    expect([await of(1), await of(2)]).toMatchObject([
      [{ from: 4, to: 4, head: one.recorded[3]!.head, headAfter: null }],
      [{ from: 5, to: 5, head: null, headAfter: one.recorded[5]!.head }],
    ])
    expect((await readStatus(db, { now: T2, runIntervalMs: MINUTE })).staged.events).toBe(6)
    await stageEvents(db, one.envelope(4, 5), T2)
    expect((await readStatus(db, { now: T2, runIntervalMs: MINUTE })).staged.events).toBe(8)
  })

  it('are no gap when a sealed export has them', async () => {
    const { db, plan } = exportsOn()
    const { pool, close } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.says('desk', 'alice', '1', T0 + 1)
    source.says('desk', 'alice', '2', T0 + 2)
    source.reports(T1)
    await stageEvents(db, source.envelope(), T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    await plan()
    await db.knex('staged_event').where({ seq: 1 }).delete()
    const named = { source: 'chat-1', epoch: 1 }
    const answer = await acceptGap(db, { source: named, from: 1, to: 1, by: olivia, reason: 'removed', now: T3 })
    expect(answer).toMatchObject({ outcome: 'refused', why: expect.stringMatching(/^Export xml\/1 has them/) })
  })
})
