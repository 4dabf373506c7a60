import { ManualClock } from '@hansard/clock'
import type { Database } from '@hansard/sql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Principal } from '../access/principals.ts'
import { openStoreInTest, type StoreInTest } from '../store-in-test.ts'
import type { Fact } from './facts.ts'
import { createRecordWriter, type RecordWriter } from './record-writer.ts'
import { declareDead, startSource } from './sources.ts'

describe('a writer that remembers the counters of its rooms', () => {
  let store: StoreInTest
  let db: Database
  let alice: Principal
  let clock: ManualClock
  let statements: string[]
  beforeEach(async () => {
    store = await openStoreInTest('postgres')
    db = store.db
    alice = await store.addUser('alice')
    clock = new ManualClock(1_000)
  })
  afterEach(() => store?.close())

  const writerNamed = async (name: string): Promise<RecordWriter> => {
    const source = await startSource(db, { name, endpoint: 'ws://x', now: clock.now() })
    return createRecordWriter({ db, clock, source, place: { pool: 'test' } })
  }
  let posts = 0
  const chat = (roomId: number, rights = 1): Fact => {
    posts += 1
    return { kind: 'chat', roomId, principal: alice, post: `p${posts}`, text: `text ${posts}`, again: false, rights }
  }
  const record = (writer: RecordWriter, fact: Fact) => writer.record(fact)
  /** The recorded numbers of a room's chats, and the room names in their events. */
  const onRecord = async (roomId: number) => {
    const chats = await db.knex('chat').where({ room_id: roomId }).orderBy('chat_id').select('chat_id')
    const events = await db.knex('outbox').orderBy('source').orderBy('seq').select('body')
    const told = events.map(({ body }) => JSON.parse(body)).filter(({ kind }) => kind === 'chat')
    return {
      ids: chats.map((row) => row.chat_id),
      seqs: told.map(({ room }) => room.seq),
      names: told.map(({ room }) => room.name),
    }
  }
  /** Starts recording the statements sent to the database. */
  const watch = () => {
    statements = []
    const client = db.prepared as unknown as { acquireConnection(): Promise<{ query(...given: unknown[]): unknown }> }
    const acquire = client.acquireConnection.bind(client)
    const watched = new Set<unknown>()
    client.acquireConnection = async () => {
      const connection = await acquire()
      if (watched.has(connection)) return connection
      watched.add(connection)
      const query = connection.query.bind(connection)
      connection.query = (...given) => {
        const [q] = given
        statements.push(typeof q === 'string' ? q : ((q as { name?: string }).name ?? 'unnamed'))
        return query(...given)
      }
      return connection
    }
  }

  it('takes one statement for chats in rooms it has posted to before', async () => {
    const room = await store.addRoom('desk')
    const writer = await writerNamed('channel-1')
    await record(writer, chat(room))
    watch()

    const outcomes = await Promise.all([record(writer, chat(room)), record(writer, chat(room))])

    expect(outcomes).toMatchObject([
      { kind: 'chat', chatId: 2 },
      { kind: 'chat', chatId: 3 },
    ])
    expect(statements).toEqual(['write-guessed'])
    expect((await onRecord(room)).ids).toEqual([1, 2, 3])
  })

  it('numbers without a gap or a repetition when another service posts to the same rooms', async () => {
    const rooms = [await store.addRoom('desk'), await store.addRoom('prices')]
    const writers = [await writerNamed('channel-1'), await writerNamed('channel-2')]

    for (let round = 0; round < 20; round += 1) {
      clock.advance({ ms: 300 })
      const outcomes = await Promise.all(
        writers.flatMap((writer) => rooms.flatMap((room) => [record(writer, chat(room)), record(writer, chat(room))])),
      )
      expect(outcomes.every((outcome) => !(outcome instanceof Error) && outcome.kind === 'chat')).toBe(true)
    }

    const all = Array.from({ length: 80 }, (_, n) => n + 1)
    expect([(await onRecord(rooms[0]!)).ids, (await onRecord(rooms[1]!)).ids]).toEqual([all, all])
    expect((await onRecord(rooms[0]!)).seqs.sort((a, b) => a - b)).toEqual(all.flatMap((n) => [n, n]))
  })

  it('reads a room under lock for a while after a wrong guess', async () => {
    const room = await store.addRoom('desk')
    const [here, there] = [await writerNamed('channel-1'), await writerNamed('channel-2')]
    await record(here, chat(room))
    await record(there, chat(room))
    watch()

    await record(here, chat(room))
    expect(statements).toEqual(['write-guessed', 'begin', 'lock-rooms', 'write-batch', 'commit'])
    statements = []
    await record(here, chat(room))
    expect(statements).toEqual(['begin', 'lock-rooms', 'write-batch', 'commit'])
    clock.advance({ ms: 1_000 })
    statements = []
    await record(here, chat(room))
    expect(statements).toEqual(['write-guessed'])
  })

  it('records nothing under an outdated rights version', async () => {
    const room = await store.addRoom('desk')
    const writer = await writerNamed('channel-1')
    await record(writer, chat(room))
    await db.knex('room').where({ id: room }).update({ rights: 2 })

    expect(await record(writer, chat(room, 1))).toEqual({ kind: 'rights-changed', rights: 2 })
    expect(await record(writer, chat(room, 2))).toMatchObject({ kind: 'chat', chatId: 2 })
  })

  it('names a room by its name when the chat is recorded', async () => {
    const room = await store.addRoom('desk')
    const writer = await writerNamed('channel-1')
    await record(writer, chat(room))
    await db.knex('room').where({ id: room }).update({ name: 'prices', shown_name: 'Prices' })
    await record(writer, chat(room))

    expect((await onRecord(room)).names).toEqual(['desk', 'Prices'])
  })

  it('records nothing when its source has been ended, and reports it', async () => {
    const room = await store.addRoom('desk')
    const writer = await writerNamed('channel-1')
    await record(writer, chat(room))
    await declareDead(db, { name: 'channel-1', now: clock.now() })

    expect(await record(writer, chat(room))).toMatchObject({ name: 'SourceFenced' })
    expect((await onRecord(room)).ids).toEqual([1])
  })

  it('answers a repeated post with the first one', async () => {
    const room = await store.addRoom('desk')
    const writer = await writerNamed('channel-1')
    const first = chat(room)
    await record(writer, first)

    expect(await record(writer, first)).toMatchObject({ kind: 'chat', chatId: 1, repeated: true })
    expect(await record(writer, chat(room))).toMatchObject({ kind: 'chat', chatId: 2 })
  })
})
