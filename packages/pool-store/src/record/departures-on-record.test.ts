import { ManualClock } from '@hansard/clock'
import type { Database } from '@hansard/sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createRecordWriter,
  declareDead,
  type Fact,
  forgetDepartures,
  orphanedParticipants,
  type Principal,
  type RecordWriter,
  startSource,
  UNLOGGED_HELD_MS,
} from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('departures on record, on %s', (dialect) => {
  let store: StoreInTest
  let db: Database
  let principal: Principal
  const clock = new ManualClock(NOW)
  const place = { pool: 'test', site: 'oslo' }
  beforeAll(async () => {
    store = await openStoreInTest(dialect)
    db = store.db
    principal = await store.addUser('alice')
  })
  afterAll(() => store?.close())
  const record = (writer: RecordWriter, fact: Fact) => writer.record(fact)

  it('lists the orphans of a source that was declared dead until they are parted', async () => {
    const roomId = await store.addRoom('room of the dead')
    const dead = await startSource(db, { name: 'mortal', endpoint: 'ws://x', now: NOW })
    await record(createRecordWriter({ db, clock, source: dead, place }), {
      kind: 'join',
      roomId,
      principal,
      session: 'left behind',
      rights: 1,
    })
    expect((await orphanedParticipants(db, 10)).map((o) => o.session)).not.toContain('left behind')
    await declareDead(db, { name: 'mortal', now: clock.now() })
    const orphan = (await orphanedParticipants(db, 10)).find((o) => o.session === 'left behind')!

    const survivor = createRecordWriter({
      db,
      clock,
      place,
      source: await startSource(db, { name: 'survivor', endpoint: '', now: NOW }),
    })
    const part: Fact = { kind: 'part', roomId: orphan.roomId, principal, session: orphan.session, reason: 'orphaned' }
    const [first, second] = await Promise.all([record(survivor, part), record(survivor, part)])

    expect([first, second]).toMatchObject([{ repeated: false }, { repeated: true }])
    expect((await orphanedParticipants(db, 10)).map((o) => o.session)).not.toContain('left behind')
  })

  it('stores accidental departures from a room without history while the text is kept, then deletes them', async () => {
    const later = new ManualClock(NOW)
    const roomId = await store.addRoom('quiet room')
    const source = await startSource(db, { name: 'quiet', endpoint: '', now: NOW })
    const writer = createRecordWriter({ db, clock: later, source, place })
    const join = (session: string, after?: number): Fact => {
      const fact = { kind: 'join', roomId, principal, session, unlogged: true, rights: 1 } as const
      return after === undefined ? fact : { ...fact, after }
    }
    const part = (session: string, reason: 'disconnected' | 'orphaned' | 'left'): Fact => {
      return { kind: 'part', roomId, principal, session, reason }
    }
    const quiet = (post: string): Fact => {
      return { kind: 'chat', roomId, principal, post, text: post, again: false, unlogged: true, rights: 1 }
    }
    const inOneBatch = (...facts: Fact[]) => Promise.all(facts.map((fact) => record(writer, fact)))
    const left = () => db.knex('departure').where({ room_id: roomId }).select('since', 'departed_at')

    await inOneBatch(join('a'), join('b'), quiet('one'), part('a', 'disconnected'), part('b', 'orphaned'))
    expect(await left()).toHaveLength(2)
    later.advance({ ms: UNLOGGED_HELD_MS - 1 })
    const [, inTime, again] = await inOneBatch(quiet('two'), join('c', 1), join('c', 0))
    later.advance({ ms: 1 })
    await record(writer, part('c', 'left'))
    const late = await record(writer, join('d', 1))

    expect(inTime).toMatchObject({ from: 1, lastChatId: 2, repeated: false })
    expect(again).toMatchObject({ from: 1, lastChatId: 2, repeated: true })
    expect(late).toMatchObject({ from: 2, lastChatId: 2 })
    expect(await left()).toEqual([{ since: 0, departed_at: NOW }])
    expect(await forgetDepartures(db, { before: NOW, limit: 10 })).toBe(0)
    expect(await forgetDepartures(db, { before: NOW + 1, limit: 10 })).toBe(1)
    expect(await left()).toEqual([])
  })
})
