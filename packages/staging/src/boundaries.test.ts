import { expect, it } from 'vitest'
import { describeExports, MINUTE, T0, T1, T2, T3 } from './exports-in-test.ts'
import {
  closedIntervalFor,
  openInterval,
  recordSourceProgress,
  rostersOf,
  sourcesOfInterval,
  stageEvents,
} from './index.ts'
import { roomUri } from './testing/scripted-pool.ts'

/** Every stamp is on a boundary or one millisecond beside it; what counts is the export in which an event is. */
describeExports('events stamped on a boundary', (exportsOn) => {
  it('are in the interval that begins there', async () => {
    const { db, pool, close, plan, summary } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    for (const [text, at] of Object.entries({ a: T0, b: T1 - 1, c: T1, d: T1, e: T2 - 1, f: T2, g: T3 }))
      source.says('desk', 'alice', text, at)
    source.reports(T3)
    await stageEvents(db, source.envelope(), T3)
    await recordSourceProgress(db, pool.rollCall(T3))
    for (let n = 0; n < 3; n++) expect(await close()).toEqual({ close: true })
    expect(await close()).toMatchObject({ close: false })

    const planned = [await plan(), await plan(), await plan(), await plan()]
    expect(planned.map(summary)).toEqual(['1 interval 0 a,b', '2 interval 1 c,d,e', '3 interval 2 f', undefined])
    const ranges = await Promise.all([1, 2, 3].map((number) => sourcesOfInterval(db, number)))
    expect(ranges.map(([part]) => [part!.afterSeq, part!.throughSeq])).toEqual([
      [0, 2],
      [2, 5],
      [5, 6],
    ])
  })

  it('are late only if that interval is closed, and in its addendum', async () => {
    const { db, pool, close, plan, summary } = exportsOn()
    const known = pool.source('chat-1', { startedAt: T0 })
    known.reports(T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    await close()
    await close()
    const stranger = pool.source('chat-2', { startedAt: T0 })
    for (const [text, at] of Object.entries({ a: T0, b: T1 - 1, c: T1, d: T2 - 1, e: T2 })) {
      stranger.says('desk', 'bob', text, at)
    }
    for (const source of [known, stranger]) source.reports(T3)
    await stageEvents(db, stranger.envelope(), T3)
    await recordSourceProgress(db, pool.rollCall(T3))
    await close()

    const planned = [await plan(), await plan(), await plan(), await plan(), await plan(), await plan()]
    expect(planned.map(summary)).toEqual([
      '1 interval 0 ',
      '2 interval 1 ',
      '3 addendum 0 a,b',
      '4 addendum 1 c,d',
      '5 interval 2 e',
      undefined,
    ])
  })

  it('close the interval before: a source with one of them needs no report', async () => {
    const { db, pool, close } = exportsOn()
    const other = pool.source('chat-2', { startedAt: T0 })
    other.reports(T1)
    const busy = pool.source('chat-1', { startedAt: T0 })
    busy.says('desk', 'alice', 'last of its minute', T1 - 1)
    await stageEvents(db, busy.envelope(), T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    expect(await close()).toMatchObject({ close: false, holding: [{ source: 'chat-1', why: 'silent' }] })

    busy.says('desk', 'alice', 'on the boundary', T1)
    await stageEvents(db, busy.envelope(2), T1)
    expect(await close()).toEqual({ close: true })
  })

  it('find their interval by its end, and an interval cut by hand ends where it was cut', async () => {
    const { db, pool, close } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.reports(T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    await close()
    await close()

    const numbers = [T0, T1, T1 + 1, T2].map(async (at) => (await closedIntervalFor(db, at))?.number)
    expect(await Promise.all(numbers)).toEqual([1, 1, 2, 2])
    expect(await closedIntervalFor(db, T2 + 1)).toBeUndefined()
    const endOf = async (cutAt: number) => (await openInterval(db, { runIntervalMs: MINUTE, cutAt }))!.endsAt
    expect(await Promise.all([T2, T2 + 1, T3 - 1, T3, T3 + 1].map(endOf))).toEqual([T3, T2 + 1, T3 - 1, T3, T3])
  })

  it('list a source that starts there in the next interval only', async () => {
    const { db, pool, close } = exportsOn()
    pool.source('chat-1', { startedAt: T0 }).reports(T2)
    pool.source('chat-2', { startedAt: T1 - 1 }).reports(T2)
    pool.source('chat-3', { startedAt: T1 }).reports(T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    await close()
    await close()

    const listed = async (number: number) => (await sourcesOfInterval(db, number)).map(({ source }) => source)
    expect(await listed(1)).toEqual(['chat-1', 'chat-2'])
    expect(await listed(2)).toEqual(['chat-1', 'chat-2', 'chat-3'])
  })

  it('who joins there is in no roster of that moment, who parts there is in both', async () => {
    const { db, pool, close } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.joins('desk', 'alice', T0, 'parts on the boundary')
    source.joins('desk', 'bob', T1 - 1, 'joins before it')
    source.joins('desk', 'carol', T1, 'joins on it')
    source.parts('desk', 'alice', T1, { session: 'parts on the boundary' })
    source.reports(T2)
    await stageEvents(db, source.envelope(), T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    await close()
    await close()

    const rosters = async (intervalNumber: number, startsAt: number) => {
      const interval = { startsAt, endsAt: startsAt + MINUTE }
      const { atStart, atEnd } = await rostersOf(db, roomUri('desk'), { interval, intervalNumber })
      return [atStart, atEnd].map((roster) => roster.map(({ session }) => session))
    }
    const there = ['parts on the boundary', 'joins before it']
    expect(await rosters(1, T0)).toEqual([[], there])
    expect(await rosters(2, T1)).toEqual([there, ['joins before it', 'joins on it']])
  })
})
