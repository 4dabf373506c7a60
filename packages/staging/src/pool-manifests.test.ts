import { expect, it } from 'vitest'
import { describeExports, T0, T1, T2 } from './exports-in-test.ts'
import {
  bindEvents,
  chainOfAddendum,
  chainOfInterval,
  linesOfInterval,
  nextPoolManifest,
  nextUnsealed,
  numberExports,
  planPoolManifest,
  recordPoolManifest,
  recordSourceProgress,
  seriesAt,
  sourcesOfAddendum,
  sourcesOfInterval,
  stageEvents,
  takeSigningKey,
} from './index.ts'

describeExports('pool manifests', (exportsOn) => {
  it('have the lines of all exports of an interval, addenda first, with the quarantined among the late ones', async () => {
    const { db, lease, pool, close, plan } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.says('desk', 'alice', 'in time', T0 + 10)
    source.reports(T1)
    await stageEvents(db, source.envelope(), T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    await plan()
    const stranger = pool.source('chat-2', { startedAt: T0 })
    stranger.says('desk', 'bob', 'late', T0 + 30)
    stranger.putText('unreadable', T0 + 31)
    stranger.says('desk', 'bob', 'late too', T0 + 32)
    stranger.says('desk', 'bob', 'late as well', T1 - 1)
    stranger.says('desk', 'bob', 'not late', T1)
    for (const one of [source, stranger]) one.reports(T2)
    await stageEvents(db, stranger.envelope(), T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    await close()

    await numberExports(db, lease, { adapter: 'xml', now: T2 })
    const addendum = await bindEvents(db, lease, (await nextUnsealed(db, 'xml'))!)
    const expected = []
    for (const { id } of await sourcesOfAddendum(db, addendum))
      for await (const { seq, kind, leaf } of chainOfAddendum(db, addendum, id)) expected.push({ seq, kind, leaf })
    for (const part of await sourcesOfInterval(db, 2))
      for await (const { seq, kind, leaf } of chainOfInterval(db, part)) expected.push({ seq, kind, leaf })
    const lines = await Array.fromAsync(linesOfInterval(db, { number: 2, startsAt: T1, endsAt: T2, closedAt: T2 }))
    expect(lines.map(({ seq, kind, leaf }) => ({ seq, kind, leaf }))).toEqual(expected)
    expect(lines.map(({ seq, kind }) => [seq, kind])).toEqual([
      [1, 'chat'],
      [2, null],
      [3, 'chat'],
      [4, 'chat'],
      [5, 'chat'],
    ])
  })

  it('are planned one after the other, under the key on record only', async () => {
    const { db, lease, pool, close } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.reports(T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    expect(await nextPoolManifest(db)).toBeUndefined()
    await close()
    await close()
    const planned = { number: 1, treeSize: 0, treeRoots: [], manifestSha256: 'a', files: [{ name: 'n', content: 'c' }] }
    expect(await takeSigningKey(db, { key: 'first', instead: undefined })).toBe(true)
    expect(await takeSigningKey(db, { key: 'other', instead: undefined })).toBe(false)
    expect(await takeSigningKey(db, { key: 'second', instead: 'other' })).toBe(false)
    expect(await takeSigningKey(db, { key: 'second', instead: 'first' })).toBe(true)

    expect(await planPoolManifest(db, lease, { planned, key: 'first', now: T2 })).toBe(false)
    expect(await nextPoolManifest(db)).toMatchObject({ interval: { number: 1, startsAt: T0, endsAt: T1 } })
    expect(await planPoolManifest(db, lease, { planned, key: 'second', now: T2 })).toBe(true)
    expect(await nextPoolManifest(db)).toEqual({ planned })
    await recordPoolManifest(db, lease, { number: 1, now: T2 })
    expect(await nextPoolManifest(db)).toMatchObject({ interval: { number: 2, startsAt: T1 }, previous: planned })
    await expect(recordPoolManifest(db, lease, { number: 1, now: T2 })).rejects.toThrow('was sealed before')
    expect(await seriesAt(db, 1)).toEqual([{ adapter: 'xml', active: true, behind: true, newest: undefined }])
  })
})
