import { ManualClock } from '@hansard/clock'
import { decodeEvent, genesisHead, leafOf, nextHead } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  chatsAfter,
  createRecordWriter,
  type Fact,
  type Outcome,
  type Principal,
  policyEnables,
  type RecordError,
  RecordStopped,
  type RecordWriter,
  readOutbox,
  readSourceProgress,
  type Source,
  SourceFenced,
  startSource,
} from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('the record writer on %s', (dialect) => {
  let store: StoreInTest
  let db: Database
  let principal: Principal
  let roomId: number
  const clock = new ManualClock(NOW)
  const place = { pool: 'test', site: 'oslo' }
  let names = 0

  beforeAll(async () => {
    store = await openStoreInTest(dialect)
    db = store.db
    principal = await store.addUser('alice')
  })
  afterAll(() => store?.close())

  async function start(name = `source-${++names}`): Promise<{ source: Source; writer: RecordWriter }> {
    roomId = await store.addRoom(`room of ${name} ${++names}`)
    const source = await startSource(db, { name, endpoint: 'ws://x', now: clock.now() })
    return { source, writer: createRecordWriter({ db, clock, source, place }) }
  }
  const record = (writer: RecordWriter, fact: Fact) => writer.record(fact)
  const chat = (post: string, text = post, again = false): Fact => ({
    kind: 'chat',
    roomId,
    principal,
    post,
    text,
    again,
    rights: 1,
  })
  const outboxOf = async ({ name, epoch }: Source) => {
    const rows = await readOutbox(db, { source: name, epoch, afterSeq: 0, limit: 10_000 })
    return rows.map((row) => ({ ...row, event: decodeEvent(row.body) }))
  }

  it('numbers facts without a gap and chains them from the genesis head', async () => {
    const { source, writer } = await start()
    const posts = Array.from({ length: 700 }, (_, n) => record(writer, chat(`p${n}`)))
    const outcomes = await Promise.all(posts)

    expect(outcomes.map((outcome) => 'kind' in outcome && outcome.kind === 'chat' && outcome.chatId)).toEqual(
      posts.map((_, n) => n + 1),
    )
    const rows = await outboxOf(source)
    expect(rows.map((row) => row.seq)).toEqual(posts.map((_, n) => n + 1))
    let head = genesisHead(source.name, source.epoch, source.incarnation)
    for (const row of rows) {
      head = nextHead(head, leafOf(row.body))
      expect(row.head).toBe(head)
      expect(row.event.room.seq).toBe(row.seq)
    }
    const report = (await readSourceProgress(db, NOW)).sources.find((s) => s.source === source.name)
    expect(report).toMatchObject({ lastSeq: 700, head, state: 'alive' })
  })

  it('records a repeated post once, whether or not the client declares the repeat', async () => {
    const { source, writer } = await start()
    const first = await record(writer, chat('same', 'said once'))
    const again = await record(writer, chat('same', 'said once', true))
    const unsaid = await Promise.all([
      record(writer, chat('other')),
      record(writer, chat('same', 'said once')),
      record(writer, chat('third')),
    ])
    const inOneBatch = await Promise.all([record(writer, chat('twin')), record(writer, chat('twin'))])

    expect(again).toEqual({ ...(first as object), repeated: true })
    expect(unsaid.map((o) => 'kind' in o && o.kind === 'chat' && [o.chatId, o.repeated])).toEqual([
      [2, false],
      [1, true],
      [3, false],
    ])
    expect(inOneBatch.map((o) => 'kind' in o && o.kind === 'chat' && [o.chatId, o.repeated])).toEqual([
      [4, false],
      [4, true],
    ])
    expect((await outboxOf(source)).map((row) => row.event.kind === 'chat' && row.event.content)).toEqual([
      'said once',
      'other',
      'third',
      'twin',
    ])
  })

  it('never takes a different post of the same name for a repeat', async () => {
    const { source, writer } = await start()
    const story = (title: string): Fact => ({ ...chat('story', 'body'), title }) as Fact
    const first = await Promise.all([record(writer, chat('msg-1', 'monday')), record(writer, story('one'))])
    const posts = [
      chat('msg-1', 'tuesday'),
      chat('msg-1', 'tuesday', true),
      chat('msg-1', 'monday', true),
      { ...chat('msg-1', 'monday', true), alert: true } as Fact,
      story('two'),
      story('one'),
    ]
    const oneByOne: (Outcome | RecordError)[] = []
    for (const post of posts) oneByOne.push(await record(writer, post))
    const inOneBatch = await Promise.all([record(writer, chat('twin', 'x')), record(writer, chat('twin', 'y'))])

    const used = (chatId: number) => ({ kind: 'post-name-used', chatId })
    expect(first).toMatchObject([{ chatId: 1 }, { chatId: 2 }])
    expect(oneByOne).toMatchObject([used(1), used(1), { chatId: 1, repeated: true }, used(1), used(2), { chatId: 2 }])
    expect(inOneBatch).toMatchObject([{ chatId: 3, repeated: false }, used(3)])
    expect(await outboxOf(source)).toHaveLength(3)
  })

  it('recognises a post after its chat was edited, and by the stored text when there is no digest', async () => {
    const { writer } = await start()
    const edit = (chatId: number, row: object) =>
      db.knex('chat').where({ room_id: roomId, chat_id: chatId }).update(row)
    for (const post of ['edited', 'old', 'old and edited']) await record(writer, chat(post))
    await edit(1, { content: '""', state: 'purged' })
    await edit(2, { post_digest: null })
    await edit(3, { post_digest: null, content: '"other words"', state: 'replaced' })

    const again = (post: string, text = post) => record(writer, chat(post, text, true))
    expect(await again('edited')).toMatchObject({ chatId: 1, repeated: true })
    expect(await again('edited', '')).toMatchObject({ kind: 'post-name-used' })
    expect(await again('old')).toMatchObject({ chatId: 2, repeated: true })
    expect(await again('old', 'new words')).toMatchObject({ kind: 'post-name-used' })
    expect(await again('old and edited')).toMatchObject({ kind: 'post-name-used' })
    expect(await again('old and edited', 'other words')).toMatchObject({ kind: 'post-name-used' })
  })

  it('answers a repeat as recorded although the room’s rights have changed since', async () => {
    const { writer } = await start()
    const first = await record(writer, chat('said'))
    const stale = { ...chat('said', 'said', true), rights: 0 } as Fact

    expect(await record(writer, stale)).toEqual({ ...(first as object), repeated: true })
    expect(await record(writer, { ...chat('not said', 'x', true), rights: 0 } as Fact)).toMatchObject({
      kind: 'rights-changed',
    })
  })

  it('preserves every character a client can send', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1, maxLength: 20 }),
        async (texts) => {
          const { source, writer } = await start()
          await Promise.all(texts.map((text, n) => record(writer, chat(`p${n}`, text))))
          const read = await chatsAfter(db, { roomId, after: 0, through: 1_000, limit: 1_000 })
          expect(read.map((c) => c.text)).toEqual(texts)
          expect((await outboxOf(source)).map((row) => row.event.kind === 'chat' && row.event.content)).toEqual(texts)
        },
      ),
      { numRuns: 30, examples: [[['\u0000', '\ud800', 'a\u0000b\udfff', '\u2028', '"\\']]] },
    )
  })

  it('records a join and a part once each, also within one batch', async () => {
    const { source, writer } = await start()
    const join: Fact = { kind: 'join', roomId, principal, session: 's1', rights: 1 }
    const part: Fact = { kind: 'part', roomId, principal, session: 's1', reason: 'left' }
    await Promise.all([join, join, part, part, join].map((fact) => record(writer, fact)))
    await Promise.all([part, join, part].map((fact) => record(writer, fact)))

    expect((await outboxOf(source)).map((row) => row.event.kind)).toEqual([
      'join',
      'part',
      'join',
      'part',
      'join',
      'part',
    ])
    expect(await db.knex('participant').where({ room_id: roomId })).toEqual([])
  })

  it('records with a join which earlier chats the session is shown', async () => {
    const { source, writer } = await start()
    const join = (session: string, after?: number): Fact => {
      return { kind: 'join', roomId, principal, session, rights: 1, ...(after === undefined ? {} : { after }) }
    }
    for (const text of ['a', 'b']) await record(writer, chat(text))
    await Promise.all(
      [join('new'), join('back', 1), join('whole', 0), join('up to date', 2)].map((f) => record(writer, f)),
    )

    const told = (await outboxOf(source)).map(({ event }) => event).filter(({ kind }) => kind !== 'chat')
    expect(
      told.map((event) => (event.kind === 'backchat' ? [event.firstChatId, event.lastChatId] : event.kind)),
    ).toEqual(['join', 'join', [2, 2], 'join', [1, 2], 'join'])
  })

  it('refuses joins and reads of users whom a policy bars, the most specific policy first', async () => {
    const { source, writer } = await start()
    const put = async (identity: string, enabled: boolean) => {
      const [row]: { id: number }[] = await db.knex('policy').insert({ identity, enabled }).returning('id')
      return row!.id
    }
    const someone = await store.addUser(`someone-${++names}`)
    const looks: Fact = { kind: 'backchat', roomId, principal: someone, firstChatId: 0, lastChatId: 0, rights: 1 }
    const said = [true, false, undefined]
    let recorded = 0
    for (const own of said)
      for (const pool of said)
        for (const site of said)
          for (const global of said) {
            await db.knex('principal').where({ id: someone.id }).update({ policy_id: null })
            await db.knex('policy').delete()
            for (const elsewhere of ['pool:other', 'site:lima', 'pool:oslo', 'test']) await put(elsewhere, false)
            if (global !== undefined) await put('global', global)
            if (site !== undefined) await put('site:oslo', site)
            if (pool !== undefined) await put('pool:test', pool)
            if (own !== undefined) {
              const policy_id = await put('traders', own)
              await db.knex('principal').where({ id: someone.id }).update({ policy_id })
            }
            const enabled = await policyEnables(db, { ...place, principalId: someone.id })
            const outcome = await record(writer, looks)
            expect(outcome).toMatchObject({ kind: enabled ? 'backchat' : 'rights-changed' })
            if (enabled) recorded += 1
          }
    expect(recorded).toBe(41)
    expect(await outboxOf(source)).toHaveLength(recorded)
    await db.knex('principal').where({ id: someone.id }).update({ policy_id: null })
    await db.knex('policy').delete()
  })

  it('refuses a zombie whose successor has started, and writes none of its batch', async () => {
    const zombie = await start('contested')
    await record(zombie.writer, chat('before'))
    const room = roomId
    const successor = await start('contested')
    roomId = room

    const refused = await Promise.all([
      record(zombie.writer, chat('late')),
      record(zombie.writer, { kind: 'join', roomId, principal, session: 'z', rights: 1 }),
    ])

    for (const outcome of refused) expect(outcome).toBeInstanceOf(SourceFenced)
    expect(successor.source.epoch).toBe(zombie.source.epoch + 1)
    expect((await chatsAfter(db, { roomId, after: 0, through: 99, limit: 99 })).map((c) => c.text)).toEqual(['before'])
    expect(await outboxOf(zombie.source)).toHaveLength(1)
    expect(await record(successor.writer, chat('after'))).toMatchObject({ chatId: 2 })
  })

  it('takes a new random incarnation at every start, and writes it into every event', async () => {
    const first = await start('renewed')
    await record(first.writer, chat('one'))
    const second = await start('renewed')
    await record(second.writer, chat('two'))

    const incarnations = [first, second].map(({ source }) => source.incarnation)
    expect(incarnations[0]).toMatch(/^[0-9a-f]{32}$/)
    expect(new Set(incarnations).size).toBe(2)
    for (const { source } of [first, second]) {
      const [event] = await outboxOf(source)
      expect(event!.event).toMatchObject({ incarnation: source.incarnation, seq: 1 })
    }
  })

  it('refuses a writer whose epoch another incarnation has', async () => {
    const { source, writer } = await start()
    await record(writer, chat('before'))
    await db
      .knex('source')
      .where({ name: source.name })
      .update({ incarnation: 'f'.repeat(32) })

    expect(await record(writer, chat('after'))).toBeInstanceOf(SourceFenced)
    expect(await outboxOf(source)).toHaveLength(1)
  })

  it('fences itself when the database is older than what it has committed, and gives no number out again', async () => {
    const { source, writer } = await start()
    await record(writer, chat('one'))
    const before = await db.knex('source').where({ name: source.name }).first('last_seq', 'head', 'last_stamp')
    await record(writer, chat('two'))
    await db.knex('source').where({ name: source.name }).update(before)
    await db.knex('outbox').where({ source: source.name }).andWhere('seq', '>', before.last_seq).delete()

    const fenced = await record(writer, chat('three'))

    expect(fenced).toBeInstanceOf(SourceFenced)
    expect((fenced as Error).message).toMatch(/has recorded number 2, and the pool database knows it only up to 1/)
    expect(await record(writer, chat('four'))).toBe(fenced)
    expect(await outboxOf(source)).toHaveLength(1)
  })

  it('fences itself when the database has another chain up to its number', async () => {
    const { source, writer } = await start()
    await record(writer, chat('one'))
    await db
      .knex('source')
      .where({ name: source.name })
      .update({ head: 'e'.repeat(64) })

    expect(await record(writer, chat('two'))).toBeInstanceOf(SourceFenced)
    expect(await outboxOf(source)).toHaveLength(1)
  })

  it('continues from the state of the database after a commit of unknown outcome', async () => {
    const { source, writer } = await start()
    await record(writer, chat('one'))
    // Another commit under the same epoch simulates one that happened although its acknowledgement was lost.
    const ghost = createRecordWriter({ db, clock, source, place })
    await expect(record(ghost, chat('ghost'))).resolves.toBeInstanceOf(Error)
    expect(await record(ghost, chat('ghost'))).toMatchObject({ kind: 'chat' })
    const unknown = await record(writer, chat('two'))
    expect(unknown).toBeInstanceOf(Error)
    expect(await record(writer, chat('two', 'two', true))).toMatchObject({ kind: 'chat', repeated: false })
    const rows = await outboxOf(source)
    expect(rows.map((row) => row.seq)).toEqual([1, 2, 3])
  })

  it('does not let a heartbeat reuse the numbers of a commit whose outcome was unknown', async () => {
    const { source, writer } = await start()
    // The acknowledgement of this commit is lost: the writer below still assumes that nothing is on record.
    const committed = createRecordWriter({ db, clock, source, place })
    await record(committed, chat('durable'))

    await expect(writer.report()).rejects.toThrow()

    const report = (await readSourceProgress(db, NOW)).sources.find((s) => s.source === source.name)
    expect(report).toMatchObject({ lastSeq: 1, state: 'alive' })
    await writer.report()
    expect(await record(writer, chat('next'))).toMatchObject({ chatId: 2 })
    expect((await outboxOf(source)).map((row) => row.seq)).toEqual([1, 2])
  })

  it('refuses audited reads before they crowd out chats, joins and parts', async () => {
    const { source } = await start()
    const limits = { readsWaitingMax: 10, waitingCharactersMax: 8_000 }
    const writer = createRecordWriter({ db, clock, source, place, ...limits })
    const looks = (count: number, query: string) =>
      Array.from({ length: count }, () =>
        record(writer, { kind: 'backchat', roomId, principal, firstChatId: 0, lastChatId: 0, query, rights: 1 }),
      )
    const others = (name: string) =>
      [
        chat(name, 'x'.repeat(1_500)),
        { kind: 'join', roomId, principal, session: name, rights: 1 } as const,
        { kind: 'part', roomId, principal, session: name, reason: 'left' } as const,
      ].map((fact) => record(writer, fact))
    const counted = async (outcomes: readonly Promise<Outcome | RecordError>[]) =>
      Map.groupBy(await Promise.all(outcomes), (outcome) => ('kind' in outcome ? outcome.kind : outcome.name))

    const many = await counted([...looks(30, 'short'), ...others('one')])
    expect([...many].map(([kind, { length }]) => [kind, length])).toEqual([
      ['backchat', 10],
      ['RecordBusy', 20],
      ['chat', 1],
      ['join', 1],
      ['part', 1],
    ])
    // Two of them fill the whole quarter of the characters, and one more may exceed it.
    const long = await counted([...looks(9, 'y'.repeat(1_000)), ...others('two')])
    expect([long.get('backchat')?.length, long.get('RecordBusy')?.length]).toEqual([3, 6])
    expect([...long.keys()]).toEqual(['backchat', 'RecordBusy', 'chat', 'join', 'part'])
    // Recorded reads do not count any more.
    expect((await counted(looks(10, 'short'))).get('backchat')).toHaveLength(10)
  })

  it('answers all that it has accepted before it stops, in several batches, and refuses what comes later', async () => {
    const { source } = await start()
    const writer = createRecordWriter({ db, clock, source, place, batchMax: 2 })
    const facts = ['a', 'b', 'c', 'd', 'e'].map((post) => record(writer, chat(post)))
    const change = writer.change(async () => ({ events: [], rights: [], result: 'made' }))
    const report = writer.report()

    await writer.stop()

    expect(await outboxOf(source)).toHaveLength(5)
    expect(await Promise.all(facts)).toMatchObject([1, 2, 3, 4, 5].map((chatId) => ({ kind: 'chat', chatId })))
    expect(await change).toBe('made')
    expect(await report).toBeUndefined()
    expect(await record(writer, chat('f'))).toBeInstanceOf(RecordStopped)
    await expect(writer.change(async () => ({ events: [], rights: [], result: '' }))).rejects.toThrow(RecordStopped)
    await expect(writer.report()).rejects.toThrow(RecordStopped)
    expect(await outboxOf(source)).toHaveLength(5)
  })

  it('answers in the order of the record, and flushes a batch after its callers have run', async () => {
    const log: string[] = []
    const { source } = await start()
    const writer = createRecordWriter({ db, clock, source, place, onBatch: () => log.push('flush') })
    const caller = async (post: string, hops: number) => {
      const outcome = await writer.record(chat(post))
      log.push('kind' in outcome && outcome.kind === 'chat' ? `chat ${outcome.chatId}` : outcome.constructor.name)
      for (let hop = 0; hop < hops; hop += 1) await undefined
      log.push(`${post} has run`)
    }

    await Promise.all([caller('a', 20), caller('b', 0)])
    await caller('c', 3)
    await writer.drained()

    expect(log).toEqual(['chat 1', 'chat 2', 'b has run', 'a has run', 'flush', 'chat 3', 'c has run', 'flush'])
  })

  it('answers every caller in a batch although one of them fails', async () => {
    const { writer } = await start()
    const failing = writer.record(chat('a')).then(() => {
      throw new Error('a caller with a bug')
    })
    const other = writer.record(chat('b'))
    await expect(failing).rejects.toThrow('a caller with a bug')
    expect(await other).toMatchObject({ kind: 'chat', chatId: 2 })
  })

  it('serves two sources that post to the same rooms concurrently, without a gap in any numbering', async () => {
    const a = await start()
    const b = { source: await startSource(db, { name: `other-${++names}`, endpoint: '', now: NOW }) }
    const writerB = createRecordWriter({ db, clock, source: b.source, place })
    const posts = Array.from({ length: 300 }, (_, n) => [
      record(a.writer, chat(`a${n}`)),
      record(writerB, chat(`b${n}`)),
    ]).flat()
    await Promise.all(posts)

    const events = [...(await outboxOf(a.source)), ...(await outboxOf(b.source))]
    expect(events.map((row) => row.event.room.seq).toSorted((x, y) => x - y)).toEqual(posts.map((_, n) => n + 1))
    const ids = (await chatsAfter(db, { roomId, after: 0, through: 9_999, limit: 9_999 })).map((c) => c.chatId)
    expect(ids).toEqual(posts.map((_, n) => n + 1))
  })
})
