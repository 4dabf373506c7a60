import { ManualClock } from '@hansard/clock'
import { decodeEvent } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  createRecordWriter,
  type Fact,
  type Principal,
  type RecordWriter,
  readOutbox,
  readSourceProgress,
  type Source,
  startSource,
} from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'

/** What is set back further than any test moves it forward. */
const BACK_MS = 3 * 3_600_000

describe.each(['sqlite', 'postgres'] as const)(
  'the time stamps of a source whose clock is set back, on %s',
  (dialect) => {
    let store: StoreInTest
    let db: Database
    let alice: Principal
    let roomId: number
    let source: Source
    let clock: ManualClock
    let names = 0

    beforeAll(async () => {
      store = await openStoreInTest(dialect)
      db = store.db
      alice = await store.addUser('alice')
    })
    afterAll(() => store?.close())
    beforeEach(async () => {
      clock = new ManualClock(NOW)
      roomId = await store.addRoom(`room ${++names}`)
      source = await startSource(db, { name: `source-${names}`, endpoint: '', now: clock.now() })
    })

    const writerOf = (of: Source): RecordWriter =>
      createRecordWriter({ db, clock, source: of, place: { pool: 'test' } })
    const says = (writer: RecordWriter, post: string): Promise<unknown> => {
      const fact: Fact = { kind: 'chat', roomId, principal: alice, post, text: post, again: false, rights: 1 }
      return writer.record(fact)
    }
    const changes = (writer: RecordWriter): Promise<number> =>
      writer.change(async (_, at) => {
        const subject = { type: 'room' as const, uri: `room-${roomId}`, name: 'room' }
        const detail = {
          kind: 'change' as const,
          action: 'changed' as const,
          subject,
          before: {},
          after: { topic: 'x' },
        }
        return { events: [{ roomId, principal: alice, detail }], rights: [], result: at }
      })
    /** The stamps of the rows and of the texts, which must agree, as milliseconds after NOW. */
    const stamps = async ({ name, epoch }: Source = source) => {
      const rows = await readOutbox(db, { source: name, epoch, afterSeq: 0, limit: 100 })
      expect(rows.map(({ body }) => decodeEvent(body).at)).toEqual(rows.map(({ at }) => at))
      return rows.map(({ at }) => at - NOW)
    }
    const reported = async (of: Source = source) => {
      const { sources } = await readSourceProgress(db, NOW)
      const { startedAt, reportedAt } = sources.find((s) => s.source === of.name && s.epoch === of.epoch)!
      return { startedAt: startedAt - NOW, reportedAt: reportedAt - NOW }
    }

    it('never fall: facts get the last stamp until the clock has caught up with it', async () => {
      const writer = writerOf(source)
      clock.advance({ ms: 500 })
      await says(writer, 'before')

      clock.advance({ ms: -BACK_MS })
      expect(await says(writer, 'set back')).toMatchObject({ kind: 'chat', at: NOW + 500 })
      await writer.report()
      expect(await reported()).toMatchObject({ reportedAt: 500 })
      clock.advance({ ms: BACK_MS - 1 })
      await says(writer, 'one millisecond short')
      clock.advance({ ms: 2 })
      await says(writer, 'one past')

      expect(await stamps()).toEqual([500, 500, 500, 501])
    })

    it('never fall from a fact to a change, nor from a change to a fact', async () => {
      const writer = writerOf(source)
      clock.advance({ ms: 500 })
      await says(writer, 'before')
      clock.advance({ ms: -BACK_MS })
      expect(await changes(writer)).toBe(NOW + 500)
      clock.advance({ ms: BACK_MS + 7 })
      await changes(writer)
      clock.advance({ ms: -BACK_MS })
      await says(writer, 'after')

      expect(await stamps()).toEqual([500, 500, 507, 507])
      expect(await reported()).toMatchObject({ reportedAt: 507 })
    })

    it('never fall from one start to the next: a service that starts under a wrong clock goes on from the last stamp', async () => {
      clock.advance({ ms: 500 })
      await says(writerOf(source), 'before')

      clock.advance({ ms: -BACK_MS })
      const next = await startSource(db, { name: source.name, endpoint: '', now: clock.now() })
      expect(next.lastStamp).toBe(NOW + 500)
      expect(await reported(next)).toEqual({ startedAt: 500, reportedAt: 500 })
      await says(writerOf(next), 'set back')

      expect(await stamps(next)).toEqual([500])
    })

    it('never fall after a commit of unknown outcome: the last stamp is read with the other counters', async () => {
      const writer = writerOf(source)
      clock.advance({ ms: 500 })
      // Another commit under the same epoch stands for one whose acknowledgement was lost.
      await says(writerOf(source), 'ghost')
      expect(await says(writer, 'unknown')).toBeInstanceOf(Error)

      clock.advance({ ms: -BACK_MS })
      await says(writer, 'set back')

      expect(await stamps()).toEqual([500, 500])
    })
  },
)
