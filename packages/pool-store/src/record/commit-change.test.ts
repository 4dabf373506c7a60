import { ManualClock } from '@hansard/clock'
import { decodeEvent, genesisHead, leafOf, nextHead } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createRecordWriter,
  declareDead,
  type Fact,
  findRoom,
  type Principal,
  type RecordWriter,
  readOutbox,
  roomCounters,
  type Source,
  SourceFenced,
  startSource,
} from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'
import type { ChangeWork } from './commit-change.ts'

describe.each(['sqlite', 'postgres'] as const)('a change on %s', (dialect) => {
  let store: StoreInTest
  let db: Database
  let alice: Principal
  const clock = new ManualClock(NOW)
  let names = 0

  beforeAll(async () => {
    store = await openStoreInTest(dialect)
    db = store.db
    alice = await store.addUser('alice')
  })
  afterAll(() => store?.close())

  const start = async (on = db): Promise<{ source: Source; writer: RecordWriter; roomId: number }> => {
    const name = `source-${++names}`
    const roomId = await store.addRoom(`room of ${name}`)
    const source = await startSource(db, { name, endpoint: 'ws://x', now: clock.now() })
    return { source, writer: createRecordWriter({ db: on, clock, source, place: { pool: 'test' } }), roomId }
  }
  const topic =
    (roomId: number, text: string): ChangeWork<string> =>
    async (tx) => {
      await tx('room').where({ id: roomId }).update({ topic: text })
      const subject = { type: 'room' as const, uri: `room-${roomId}`, name: 'room' }
      const detail = {
        kind: 'change' as const,
        action: 'changed' as const,
        subject,
        before: {},
        after: { topic: text },
      }
      return { events: [{ roomId, principal: alice, detail }], rights: [roomId], result: text }
    }
  const chat = (roomId: number, post: string, rights = 1): Fact => ({
    kind: 'chat',
    roomId,
    principal: alice,
    post,
    text: post,
    again: false,
    rights,
  })
  const record = (writer: RecordWriter, fact: Fact) => writer.record(fact)
  const eventsOf = async ({ name, epoch }: Source) => {
    const rows = await readOutbox(db, { source: name, epoch, afterSeq: 0, limit: 10_000 })
    return rows.map((row) => ({ ...row, event: decodeEvent(row.body) }))
  }

  it('commits with its event, numbered and chained among the facts', async () => {
    const { source, writer, roomId } = await start()
    await record(writer, chat(roomId, 'before'))
    await writer.change(topic(roomId, 'prices'))
    await record(writer, chat(roomId, 'after', 2))

    const events = await eventsOf(source)
    expect(events.map(({ seq, event }) => [seq, event.room.seq, event.kind])).toEqual([
      [1, 1, 'chat'],
      [2, 2, 'change'],
      [3, 3, 'chat'],
    ])
    let head = genesisHead(source.name, source.epoch, source.incarnation)
    for (const { body, head: given } of events) {
      head = nextHead(head, leafOf(body))
      expect(given).toBe(head)
    }
    expect((await findRoom(db, { id: roomId }))?.topic).toBe('prices')
  })

  it('leaves neither state nor event when it is refused, and the writer continues', async () => {
    const { source, writer, roomId } = await start()
    const refused = new Error('no')
    const attempt = writer.change(async (tx, at) => {
      await topic(roomId, 'half')(tx, at)
      throw refused
    })

    await expect(attempt).rejects.toBe(refused)
    expect((await findRoom(db, { id: roomId }))?.topic).toBe('')
    expect(await record(writer, chat(roomId, 'next'))).toMatchObject({ kind: 'chat', chatId: 1 })
    expect((await eventsOf(source)).map(({ seq }) => seq)).toEqual([1])
  })

  it('refuses facts that were decided under the rights before it', async () => {
    const { source, writer, roomId } = await start()
    expect(await record(writer, chat(roomId, 'in time'))).toMatchObject({ kind: 'chat', chatId: 1 })
    await writer.change(topic(roomId, 'walls'))
    const facts: Fact[] = [
      chat(roomId, 'too late'),
      { kind: 'join', roomId, principal: alice, session: 's', rights: 1 },
      { kind: 'backchat', roomId, principal: alice, firstChatId: 1, lastChatId: 1, rights: 1 },
    ]

    for (const fact of facts) expect(await record(writer, fact)).toEqual({ kind: 'rights-changed', rights: 2 })
    const part: Fact = { kind: 'part', roomId, principal: alice, session: 'nobody', reason: 'removed' }
    expect(await record(writer, part)).toMatchObject({ kind: 'part' })
    expect((await eventsOf(source)).map(({ event }) => event.kind)).toEqual(['chat', 'change'])
  })

  it('that disables a user keeps them out of rooms they are not in, whatever the service decided', async () => {
    const { source, writer, roomId } = await start()
    const mallory = await store.addUser(`mallory of ${source.name}`)
    await db.knex('principal').where({ id: mallory.id }).update({ disabled: true })
    const facts: Fact[] = [
      { kind: 'join', roomId, principal: mallory, session: 's', rights: 1 },
      { kind: 'backchat', roomId, principal: mallory, firstChatId: 0, lastChatId: 0, rights: 1 },
    ]

    for (const fact of facts) expect(await record(writer, fact)).toEqual({ kind: 'rights-changed', rights: 1 })
    expect(await eventsOf(source)).toEqual([])
  })

  it('is refused from a source that has ended', async () => {
    const { source, writer, roomId } = await start()
    await declareDead(db, { name: source.name, now: clock.now() })

    await expect(writer.change(topic(roomId, 'by a ghost'))).rejects.toBeInstanceOf(SourceFenced)
    expect((await findRoom(db, { id: roomId }))?.topic).toBe('')
    expect(await eventsOf(source)).toEqual([])
  })

  it('is recorded in the order of the room when many services make changes concurrently', async () => {
    const services = await Promise.all([1, 2, 3].map(() => start(dialect === 'postgres' ? store.connect() : db)))
    const { roomId } = services[0]!
    await Promise.all(
      services.flatMap(({ writer }, service) =>
        Array.from({ length: 10 }, (_, n) => writer.change(topic(roomId, `${service}/${n}`))),
      ),
    )

    const told = (await Promise.all(services.map(({ source }) => eventsOf(source)))).flat()
    const inOrder = told.map(({ event }) => event).sort((a, b) => a.room.seq - b.room.seq)
    expect(inOrder.map((event) => event.room.seq)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1))
    const last = inOrder.at(-1)!
    expect((await findRoom(db, { id: roomId }))?.topic).toBe(last.kind === 'change' ? last.after['topic'] : undefined)
    expect((await roomCounters(db, [roomId])).get(roomId)?.rights).toBe(31)
  })
})
