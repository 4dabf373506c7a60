import { leafOf } from '@hansard/compliance-event'
import { type Database, type Lease, LeaseLost, releaseLease, takeLease, underLease } from '@hansard/sql'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  bindEvents,
  chainOfAddendum,
  chainOfInterval,
  closeInterval,
  EXPORTER_LEASE,
  type Export,
  exportEvents,
  findExport,
  listExports,
  nextUnsealed,
  numberExports,
  openInterval,
  previousManifest,
  readStatus,
  recordSettings,
  recordSourceProgress,
  registerAdapters,
  retryQuarantine,
  roomsWithRoster,
  rostersOf,
  sealExport,
  sourcesOfAddendum,
  sourcesOfInterval,
  stageEvents,
} from './index.ts'
import { COMPLIANCE } from './testing/databases-in-test.ts'
import { compliancePostgres, complianceSqlite, type ScriptedPool, scriptedPool } from './testing/index.ts'
import { roomUri } from './testing/scripted-pool.ts'

const MINUTE = 60_000
const T0 = Date.UTC(2026, 10, 20, 23, 15)
const T1 = T0 + MINUTE
const T2 = T1 + MINUTE
const T3 = T2 + MINUTE

describe.each(['sqlite', 'postgres'] as const)('exports on %s', (dialect) => {
  let server: SharedPostgres | undefined
  let db: Database
  let pool: ScriptedPool
  let lease: Lease
  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
  })
  afterAll(() => server?.stop())
  beforeEach(async () => {
    db = server
      ? await compliancePostgres(await server.createDatabase('exports', COMPLIANCE))
      : await complianceSqlite()
    pool = scriptedPool()
    lease = (await takeLease(db, { name: EXPORTER_LEASE, holder: 'w1', now: T0, ttlMs: 10_000 }))!
    await registerAdapters(db, lease, ['xml'])
  })
  afterEach(() => db.close())

  const close = async () => {
    const interval = (await openInterval(db, { runIntervalMs: MINUTE }))!
    return closeInterval(db, lease, { interval, now: interval.endsAt })
  }
  const texts = async (planned: Export) => {
    const found: string[] = []
    for await (const event of exportEvents(db, planned.id))
      found.push(event.kind === 'chat' ? event.content : event.kind)
    return found
  }
  /** Plans the adapter's next export, returns it with its texts, and seals it with a made-up manifest. */
  const plan = async (adapter = 'xml') => {
    while (await numberExports(db, lease, { adapter, now: T3 })) {}
    const next = await nextUnsealed(db, adapter)
    if (!next) return undefined
    const planned = await bindEvents(db, lease, next)
    const sha256 = `${adapter}${planned.number}`
    const manifest = { name: `m${planned.number}`, role: 'manifest' as const, size: 1, sha256, events: 0 }
    const previousManifestSha256 = await previousManifest(db, planned)
    const found = { ...planned, texts: await texts(planned) }
    await sealExport(db, lease, { exportId: planned.id, files: [manifest], previousManifestSha256, now: T3 })
    return found
  }
  const summary = (found: Awaited<ReturnType<typeof plan>>) =>
    found && `${found.number} ${found.kind} ${(found.startsAt - T0) / MINUTE} ${found.texts.join(',')}`

  it('assign every event to the interval that contains its stamp', async () => {
    const source = pool.source('chat-1', { startedAt: T0 + 5 })
    source.says('desk', 'alice', 'first', T0 + 10)
    source.says('desk', 'alice', 'last of its minute', T1 - 1)
    source.says('desk', 'alice', 'on the boundary', T1)
    source.reports(T2)
    await stageEvents(db, source.envelope(), T2)
    await recordSourceProgress(db, pool.rollCall(T2))

    expect(await close()).toEqual({ close: true })
    expect(await close()).toEqual({ close: true })
    expect(await close()).toMatchObject({ close: false })

    expect(summary(await plan())).toBe('1 interval 0 first,last of its minute')
    expect(summary(await plan())).toBe('2 interval 1 on the boundary')
    expect(await plan()).toBeUndefined()
    expect((await listExports(db, { limit: 10 })).map((e) => e.number)).toEqual([2, 1])
    expect(await previousManifest(db, { adapter: 'xml', number: 2 })).toBe('xml1')
  })

  it('are planned for an empty interval too', async () => {
    const source = pool.source('chat-1', { startedAt: T0 })
    source.reports(T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    expect(summary(await plan())).toBe('1 interval 0 ')
    expect(await sourcesOfInterval(db, 1)).toMatchObject([{ source: 'chat-1', afterSeq: 0, throughSeq: 0 }])
  })

  it('sort events by room and by room sequence, whichever source recorded them', async () => {
    const one = pool.source('chat-1', { startedAt: T0 })
    const two = pool.source('chat-2', { startedAt: T0 })
    const said: string[] = []
    for (let n = 1; n <= 2_500; n++) {
      const room = n % 5 === 0 ? 'b-small' : 'a-large'
      ;(n % 2 ? one : two).says(room, 'alice', `${room} ${n}`, T0 + n)
      said.push(`${room} ${n}`)
    }
    for (const source of [one, two]) {
      source.reports(T1)
      await stageEvents(db, source.envelope(), T1)
    }
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    const expected = [...said.filter((text) => text.startsWith('a-')), ...said.filter((text) => text.startsWith('b-'))]
    expect((await plan())!.texts).toEqual(expected)
  })

  it('find the boundary among many events, with a quarantined one beside it', async () => {
    const source = pool.source('chat-1', { startedAt: T0 })
    for (let n = 1; n <= 700; n++) {
      if (n === 300) source.putText('unreadable', T0 + n * 100)
      else source.says('desk', 'alice', `${n}`, T0 + n * 200)
    }
    source.reports(T3)
    await stageEvents(db, source.envelope(), T3)
    await recordSourceProgress(db, pool.rollCall(T3))
    await close()
    expect((await plan())!.texts.at(-1)).toBe('299')
    await close()
    const [second] = await sourcesOfInterval(db, 2)
    expect(second).toMatchObject({ afterSeq: 299, throughSeq: 599 })
    const links = await Array.fromAsync(chainOfInterval(db, second!))
    expect(links.map((link) => link.seq)).toEqual(Array.from({ length: 300 }, (_, index) => index + 300))
    expect(links.filter((link) => link.kind === null).map((link) => link.seq)).toEqual([300])
  })

  it('put late events into an addendum of the interval they belong to, before the next export', async () => {
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
    await registerAdapters(db, lease, ['xml', 'slow'])
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
    const source = pool.source('chat-1', { startedAt: T0 })
    source.putText('nonsense', T0 + 1)
    await stageEvents(db, source.envelope(), T1)
    expect(await retryQuarantine(db, lease, { now: T1 })).toEqual({ staged: 0, remaining: 1 })
  })

  it('retry quarantine page by page, each event once, with one result for all', async () => {
    const source = pool.source('chat-1', { startedAt: T0 })
    for (let n = 1; n <= 7; n++) source.putText(`nonsense ${n}`, T0 + n)
    await stageEvents(db, source.envelope(), T1)
    const transactions: unknown[] = []
    db.knex.on('query', ({ sql }: { sql: string }) => /^COMMIT/i.test(sql) && transactions.push(sql))
    expect(await retryQuarantine(db, lease, { now: T1, pageRows: 3 })).toEqual({ staged: 0, remaining: 7 })
    expect(transactions).toHaveLength(3)
  })

  it('resume planning after a crash with the same events, bound once', async () => {
    const source = pool.source('chat-1', { startedAt: T0 })
    for (let n = 1; n <= 4_500; n++) source.says('desk', 'alice', `${n}`, T0 + n)
    source.reports(T1)
    await stageEvents(db, source.envelope(), T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    await numberExports(db, lease, { adapter: 'xml', now: T1 })
    const planning = (await nextUnsealed(db, 'xml'))!
    await bindEvents(db, lease, planning)
    // The page after the first was never committed.
    await db.knex('compliance_fanout').where('seq', '>', 2_000).delete()
    await db.knex('export').update({ state: 'planning', events: 0 })

    const planned = await bindEvents(db, lease, (await nextUnsealed(db, 'xml'))!)
    expect(planned).toMatchObject({ state: 'planned', events: 4_500 })
    expect((await texts(planned)).length).toBe(4_500)
  })

  it('cannot bind an event to two exports of one adapter, by database constraint', async () => {
    const row = { adapter: 'xml', source_id: 1, seq: 1, export_id: 1, room_id: 1, room_seq: 1 }
    await db.knex('compliance_fanout').insert(row)
    await expect(db.knex('compliance_fanout').insert({ ...row, export_id: 2 })).rejects.toThrow()
  })

  it('start a new adapter with the interval that closes next, and a returning one with all it missed', async () => {
    const source = pool.source('chat-1', { startedAt: T0 })
    for (const at of [T0, T1, T2]) source.says('desk', 'alice', `${(at - T0) / MINUTE}`, at + 1)
    source.reports(T3)
    await stageEvents(db, source.envelope(), T3)
    await recordSourceProgress(db, pool.rollCall(T3))
    await close()
    await registerAdapters(db, lease, ['xml', 'new'])
    await close()
    await close()
    expect([await plan('new'), await plan('new'), await plan('new')].map(summary)).toEqual([
      '1 interval 1 1',
      '2 interval 2 2',
      undefined,
    ])
    expect([await plan(), await plan(), await plan()].map((found) => found!.texts)).toEqual([['0'], ['1'], ['2']])
  })

  it('let a worker that lost its lease change nothing', async () => {
    expect(await takeLease(db, { name: EXPORTER_LEASE, holder: 'w2', now: T0 + 9_999, ttlMs: 10_000 })).toBeUndefined()
    const successor = await takeLease(db, { name: EXPORTER_LEASE, holder: 'w2', now: T0 + 10_000, ttlMs: 10_000 })
    expect(successor!.token).toBeGreaterThan(lease.token)
    await expect(
      underLease(db, lease, async (tx) => tx('stylesheet').insert({ sha256: 'x', text: 'x' })),
    ).rejects.toThrow(LeaseLost)
    expect(await db.knex('stylesheet')).toEqual([])
    await releaseLease(db, lease)
    expect(await takeLease(db, { name: EXPORTER_LEASE, holder: 'w1', now: T0 + 10_001, ttlMs: 10_000 })).toBeUndefined()
  })

  it('renew a lease under its token, and pass it on when it is released', async () => {
    expect((await takeLease(db, { name: EXPORTER_LEASE, holder: 'w1', now: T0 + 5_000, ttlMs: 10_000 }))!.token).toBe(
      lease.token,
    )
    await releaseLease(db, lease)
    expect((await takeLease(db, { name: EXPORTER_LEASE, holder: 'w2', now: T0 + 5_001, ttlMs: 10_000 }))!.token).toBe(
      lease.token + 1,
    )
  })

  it('cannot be sealed twice, nor get other settings after that', async () => {
    pool.source('chat-1', { startedAt: T0 }).reports(T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    const sealed = (await plan())!
    const manifest = { name: 'm', role: 'manifest' as const, size: 1, sha256: 'x', events: 0 }
    const again = { exportId: sealed.id, files: [manifest], previousManifestSha256: null, now: T3 }
    await expect(sealExport(db, lease, again)).rejects.toThrow('sealed before')
    const settings = {
      adapter: 'xml',
      profile: '',
      version: '',
      engine: '',
      stylesheetSha256: 's',
      pool: '',
      options: {},
      directory: '',
    }
    await expect(recordSettings(db, lease, { exportId: sealed.id, settings, stylesheet: '' })).rejects.toThrow('sealed')
    expect(await findExport(db, { adapter: 'xml', number: 1 })).toMatchObject({
      state: 'sealed',
      manifestSha256: 'xml1',
    })
  })

  it('detect a staged text that was altered before it is exported', async () => {
    const source = pool.source('chat-1', { startedAt: T0 })
    for (let n = 1; n <= 5; n++) source.says('desk', 'alice', `chat ${n}`, T0 + n)
    source.reports(T1)
    await stageEvents(db, source.envelope(), T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    const [part] = await sourcesOfInterval(db, 1)
    await db.knex('staged_event').where({ seq: 3 }).update({ body: source.recorded[3]!.body })
    await expect(Array.fromAsync(chainOfInterval(db, part!))).rejects.toThrow('chat-1/1/3')
    await db.knex('staged_event').where({ seq: 3 }).delete()
    await expect(Array.fromAsync(chainOfInterval(db, part!))).rejects.toThrow('chat-1/1/3')
  })

  it('know the participants of a room at the start and the end of an interval', async () => {
    const source = pool.source('chat-1', { startedAt: T0 })
    source.joins('desk', 'alice', T0 + 1)
    source.joins('silent', 'carol', T0 + 3)
    source.joins('desk', 'bob', T1 + 1)
    source.parts('desk', 'alice', T1 + 2)
    await stageEvents(db, source.envelope(), T3)
    const at = async (number: number, room: string) => {
      const interval = { startsAt: T0 + (number - 1) * MINUTE, endsAt: T0 + number * MINUTE }
      const { atStart, atEnd } = await rostersOf(db, roomUri(room), { interval, intervalNumber: number })
      return [atStart, atEnd].map((roster) => roster.map((entry) => entry.principal.name).join(' '))
    }
    expect(await at(1, 'desk')).toEqual(['', 'alice'])
    expect(await at(2, 'desk')).toEqual(['alice', 'bob'])
    expect(await at(3, 'desk')).toEqual(['bob', 'bob'])
    expect(await at(3, 'silent')).toEqual(['carol', 'carol'])
    const asOf = { interval: { startsAt: T2, endsAt: T3 }, intervalNumber: 3 }
    expect(await Array.fromAsync(roomsWithRoster(db, asOf))).toEqual([
      { uri: roomUri('desk'), name: 'desk' },
      { uri: roomUri('silent'), name: 'silent' },
    ])
  })

  it('keep their rosters after late joins and parts have arrived', async () => {
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

  it('name the source that holds an overdue interval open, and release it when the source is declared dead', async () => {
    const source = pool.source('chat-1', { startedAt: T0 })
    const silent = pool.source('chat-2', { startedAt: T0 })
    source.says('desk', 'alice', 'here', T0 + 10)
    source.reports(T1 + 1)
    await stageEvents(db, source.envelope(), T1)
    await recordSourceProgress(db, pool.rollCall(T1 + 1))
    expect(await close()).toMatchObject({ close: false, holding: [{ source: 'chat-2', why: 'silent' }] })

    const status = await readStatus(db, { now: T1 + 5_000, runIntervalMs: MINUTE })
    expect(status).toMatchObject({
      staged: { events: 1, parked: 0 },
      openInterval: { startsAt: T0, endsAt: T1 },
      holding: [{ source: 'chat-2', epoch: 1, why: 'silent' }],
      oldestUnexportedAt: T0 + 10,
      adapters: [{ name: 'xml', problem: null, waiting: 0, lastSealed: null }],
    })
    expect(status.sources.map(({ source, holding }) => ({ source, holding }))).toEqual([
      { source: 'chat-1', holding: false },
      { source: 'chat-2', holding: true },
    ])

    silent.ends('dead')
    await recordSourceProgress(db, pool.rollCall(T1 + 6_000))
    expect(await close()).toEqual({ close: true })
    expect(await readStatus(db, { now: T1 + 6_000, runIntervalMs: MINUTE })).toMatchObject({
      adapters: [{ waiting: 1 }],
    })
    await plan()
    const after = await readStatus(db, { now: T1 + 6_000, runIntervalMs: MINUTE })
    expect(after.oldestUnexportedAt).toBeNull()
    expect(after.adapters[0]!.lastSealed).toMatchObject({ number: 1, startsAt: T0, endsAt: T1 })
    expect(after.sources.map(({ source }) => source)).toEqual(['chat-1'])
  })

  it('cut the open interval at a requested seal, and end the next one on a boundary again', async () => {
    const source = pool.source('chat-1', { startedAt: T0 })
    source.reports(T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    const cut = (await openInterval(db, { runIntervalMs: MINUTE, cutAt: T0 + 1_234 }))!
    expect(cut).toEqual({ number: 1, startsAt: T0, endsAt: T0 + 1_234 })
    await closeInterval(db, lease, { interval: cut, now: T1 })
    expect(await openInterval(db, { runIntervalMs: MINUTE })).toEqual({ number: 2, startsAt: T0 + 1_234, endsAt: T1 })
  })

  it('do not close an interval while events are staged, nor stage later ones as in time', async () => {
    const source = pool.source('chat-1', { startedAt: T0 })
    source.reports(T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    const stranger = pool.source('chat-2', { startedAt: T0 })
    for (let n = 1; n <= 50; n++) stranger.says('desk', 'bob', `${n}`, T0 + n)
    const stagings = Array.from({ length: 10 }, (_, n) => stageEvents(db, stranger.envelope(n * 5 + 1, n * 5 + 5), T1))
    await Promise.all([...stagings, close()])
    source.reports(T2)
    stranger.reports(T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    while ((await openInterval(db, { runIntervalMs: MINUTE }))!.endsAt <= T2) await close()
    const found: string[] = []
    for (let next = await plan(); next; next = await plan()) found.push(...next.texts)
    expect(found.sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 50 }, (_, n) => `${n + 1}`))
  })
})
