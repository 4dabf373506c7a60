import { ManualClock } from '@hansard/clock'
import { LeaseLost, releaseLease, takeLease, underLease } from '@hansard/sql'
import { expect, it } from 'vitest'
import { describeExports, MINUTE, T0, T1, T2, T3 } from './exports-in-test.ts'
import {
  bindEvents,
  chainOfInterval,
  closeInterval,
  EXPORTER_LEASE,
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
  roomsWithRoster,
  rostersOf,
  sealExport,
  sourcesOfInterval,
  stageEvents,
} from './index.ts'
import { roomUri } from './testing/scripted-pool.ts'

describeExports('exports', (exportsOn) => {
  it('assign every event to the interval that contains its stamp', async () => {
    const { db, pool, close, plan, summary } = exportsOn()
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
    const { db, pool, close, plan, summary } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.reports(T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    expect(summary(await plan())).toBe('1 interval 0 ')
    expect(await sourcesOfInterval(db, 1)).toMatchObject([{ source: 'chat-1', afterSeq: 0, throughSeq: 0 }])
  })

  it('sort events by room and by room sequence, whichever source recorded them', async () => {
    const { db, pool, close, plan } = exportsOn()
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
    const { db, pool, close, plan } = exportsOn()
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

  it('resume planning after a crash with the same events, bound once', async () => {
    const { db, pool, lease, close, texts } = exportsOn()
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
    const { db } = exportsOn()
    const row = { adapter: 'xml', source_id: 1, seq: 1, export_id: 1, room_id: 1, room_seq: 1 }
    await db.knex('compliance_fanout').insert(row)
    await expect(db.knex('compliance_fanout').insert({ ...row, export_id: 2 })).rejects.toThrow()
  })

  it('start a new adapter with the interval that closes next, and a returning one with all it missed', async () => {
    const { db, pool, lease, close, plan, summary } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    for (const at of [T0, T1, T2]) source.says('desk', 'alice', `${(at - T0) / MINUTE}`, at + 1)
    source.reports(T3)
    await stageEvents(db, source.envelope(), T3)
    await recordSourceProgress(db, pool.rollCall(T3))
    await close()
    await registerAdapters(db, lease, [{ name: 'xml' }, { name: 'new' }])
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
    const { db, lease } = exportsOn()
    expect(
      await takeLease(db, { name: EXPORTER_LEASE, holder: 'w2', clock: new ManualClock(T0 + 9_999), ttlMs: 10_000 }),
    ).toBeUndefined()
    const successor = await takeLease(db, {
      name: EXPORTER_LEASE,
      holder: 'w2',
      clock: new ManualClock(T0 + 10_000),
      ttlMs: 10_000,
    })
    expect(successor!.token).toBeGreaterThan(lease.token)
    await expect(
      underLease(db, lease, async (tx) => tx('stylesheet').insert({ sha256: 'x', text: 'x' })),
    ).rejects.toThrow(LeaseLost)
    expect(await db.knex('stylesheet')).toEqual([])
    await releaseLease(db, lease)
    expect(
      await takeLease(db, { name: EXPORTER_LEASE, holder: 'w1', clock: new ManualClock(T0 + 10_001), ttlMs: 10_000 }),
    ).toBeUndefined()
  })

  it('renew a lease under its token, and pass it on when it is released', async () => {
    const { db, lease } = exportsOn()
    expect(
      (await takeLease(db, { name: EXPORTER_LEASE, holder: 'w1', clock: new ManualClock(T0 + 5_000), ttlMs: 10_000 }))!
        .token,
    ).toBe(lease.token)
    await releaseLease(db, lease)
    expect(
      (await takeLease(db, { name: EXPORTER_LEASE, holder: 'w2', clock: new ManualClock(T0 + 5_001), ttlMs: 10_000 }))!
        .token,
    ).toBe(lease.token + 1)
  })

  it('cannot be sealed twice, nor get other settings after that', async () => {
    const { db, pool, lease, close, plan } = exportsOn()
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
    const { db, pool, close } = exportsOn()
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
    const { db, pool } = exportsOn()
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

  it('name the source that holds an overdue interval open, and release it when the source is declared dead', async () => {
    const { db, pool, close, plan } = exportsOn()
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
    const { db, pool, lease } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.reports(T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    const cut = (await openInterval(db, { runIntervalMs: MINUTE, cutAt: T0 + 1_234 }))!
    expect(cut).toEqual({ number: 1, startsAt: T0, endsAt: T0 + 1_234 })
    await closeInterval(db, lease, { interval: cut, now: T1 })
    expect(await openInterval(db, { runIntervalMs: MINUTE })).toEqual({ number: 2, startsAt: T0 + 1_234, endsAt: T1 })
  })

  it('do not close an interval while events are staged, nor stage later ones as in time', async () => {
    const { db, pool, close, plan } = exportsOn()
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
