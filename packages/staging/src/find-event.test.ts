import { expect, it } from 'vitest'
import { describeExports, T0, T1, T2 } from './exports-in-test.ts'
import { findChat, findEvents, placesOfEvent, recordSourceProgress, stageEvents } from './index.ts'

describeExports('an event', (exportsOn) => {
  it('is found by its number, and a chat by room, id and time: on time, late, or in the open interval', async () => {
    const { db, pool, close, plan } = exportsOn()
    const source = pool.source('chat-1', { startedAt: T0 })
    source.says('desk', 'alice', 'in time', T0 + 10)
    source.reports(T1)
    await stageEvents(db, source.envelope(), T1)
    await recordSourceProgress(db, pool.rollCall(T1))
    await close()
    await plan()
    const stranger = pool.source('chat-2', { startedAt: T0 })
    stranger.says('desk', 'bob', 'late', T0 + 30)
    source.says('desk', 'alice', 'of the open interval', T1 + 5)
    for (const one of [source, stranger]) one.reports(T1 + 10)
    await stageEvents(db, stranger.envelope(), T1 + 10)
    await stageEvents(db, source.envelope(), T1 + 10)
    await recordSourceProgress(db, pool.rollCall(T1 + 10))

    const found = async (name: string, seq: number) => (await findEvents(db, { source: name, epoch: 1, seq }))[0]!
    const texts = async (name: string, seq: number) => JSON.parse((await found(name, seq)).text)
    const inTime = await found('chat-1', 1)
    const late = await found('chat-2', 1)
    const open = await found('chat-1', 2)
    expect(inTime).toMatchObject({
      kind: 'chat',
      at: T0 + 10,
      stagedAt: T1,
      late: false,
      interval: { number: 1, endsAt: T1 },
    })
    expect(late).toMatchObject({ late: true, at: T0 + 30 })
    expect(open).toMatchObject({ late: false, interval: undefined })
    expect(await findEvents(db, { source: 'chat-1', epoch: 2, seq: 1 })).toEqual([])
    expect(await findEvents(db, { source: 'chat-1', epoch: 1, incarnation: 'f'.repeat(32), seq: 1 })).toEqual([])

    for (const [name, seq] of [
      ['chat-1', 1],
      ['chat-2', 1],
      ['chat-1', 2],
    ] as const) {
      const { room, chatId, at } = { ...(await texts(name, seq)), ...(await found(name, seq)) }
      expect(await findChat(db, { room, chatId, at })).toEqual([await found(name, seq)])
      expect(await findChat(db, { room, chatId: chatId + 100, at })).toEqual([])
      expect(await findChat(db, { room: 'ma-chan://elsewhere', chatId, at })).toEqual([])
    }
    expect(await placesOfEvent(db, inTime)).toMatchObject([{ adapter: 'xml', number: 1, sealed: true, chain: null }])
    expect(await placesOfEvent(db, open)).toEqual([])

    for (const one of [source, stranger]) one.reports(T2)
    for (const one of [source, stranger]) await stageEvents(db, one.envelope(), T2)
    await recordSourceProgress(db, pool.rollCall(T2))
    await close()
    // It is in the tree of the interval that it was sealed with.
    expect(await found('chat-2', 1)).toMatchObject({ interval: { number: 2 } })
    expect(await found('chat-1', 2)).toMatchObject({ interval: { number: 2 } })
  })
})
