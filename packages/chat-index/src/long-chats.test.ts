import { NOW, openStoreInTest, type StoreInTest } from '@hansard/pool-store/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { placeAt, placeCount, wordKey } from './block.ts'
import { type ChatSearch, indexChats, searchChats } from './index.ts'
import { reindexChat } from './reindex.ts'

type Asked = { readonly sql: string; readonly bindings: readonly unknown[]; readonly __knexTxId?: string }

// One user's long chats must not delay everybody. These tests count work and never measure time.
describe.each(['sqlite', 'postgres'] as const)('long chats on %s', (dialect) => {
  let store: StoreInTest
  let room: number
  let author: number
  let said: number

  beforeEach(async () => {
    store = await openStoreInTest(dialect)
    room = await store.addRoom('stories')
    author = (await store.addUser('ann')).id
    said = 0
  })
  afterEach(() => store?.close())

  async function say(texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      said += 1
      const row = { room_id: room, chat_id: said, posted_at: NOW + said, principal_id: author, post: `${said}` }
      await store.db.knex('chat').insert({ ...row, content: JSON.stringify(text) })
    }
    await store.db.knex('room').where({ id: room }).update({ last_chat_id: said })
  }
  const change = (chatId: number, text: string) =>
    store.db.knex.transaction(async (tx) => {
      await tx('chat')
        .where({ room_id: room, chat_id: chatId })
        .update({ content: JSON.stringify(text), state: 'replaced' })
      await reindexChat(tx, room, chatId)
    })
  const search = (words: string, more: Partial<ChatSearch> = {}) =>
    searchChats(store.db, { roomIds: [room], words, match: 'all', caseSensitive: false, order: 'oldest', ...more })
  const found = async (words: string, more: Partial<ChatSearch> = {}) =>
    (await search(words, more)).chats.map((chat) => chat.chatId)
  async function indexAll(): Promise<void> {
    for (let waiting = 1; waiting > 0; ) waiting = (await indexChats(store.db, { atLeast: 1 })).waiting
  }
  /** Runs `work` and reports its statements, their results, and how often it yielded. */
  async function watched(work: () => Promise<unknown>) {
    const asked: Asked[] = []
    const answered: number[] = []
    let turns = 0
    let working = true
    const turn = () => {
      turns += 1
      if (working) setImmediate(turn)
    }
    const ask = (query: Asked) => asked.push(query)
    const answer = (response: unknown) => {
      const rows = Array.isArray(response) ? response : ((response as { rows?: unknown[] } | undefined)?.rows ?? [])
      answered.push(rows.reduce<number>((sum, row) => sum + ((row as { content?: string }).content?.length ?? 0), 0))
    }
    store.db.knex.on('query', ask).on('query-response', answer)
    setImmediate(turn)
    await work()
    working = false
    store.db.knex.off('query', ask).off('query-response', answer)
    return { asked, answered, turns }
  }
  /** Keys written per transaction. On PostgreSQL, where a long transaction blocks nobody, per statement. */
  function keysPut(asked: readonly Asked[]): number[] {
    const put = new Map<unknown, number>()
    for (const query of asked) {
      if (!query.sql.startsWith('insert into search_word')) continue
      const keys = dialect === 'sqlite' ? query.bindings.length / 3 : (query.bindings[1] as number[]).length
      const step = dialect === 'sqlite' ? query.__knexTxId : query
      put.set(step, (put.get(step) ?? 0) + keys)
    }
    return [...put.values()]
  }
  const blocks = (): Promise<{ id: number; chats: Buffer; newest: number }[]> =>
    store.db.knex('search_block').orderBy('id')

  it('are indexed in small blocks, a few keys at a time, with yields in between', async () => {
    const stories = Array.from({ length: 20 }, (_, n) => story(n))
    await say(['talk before', ...stories, 'talk after'])

    const { asked, turns, answered } = await watched(indexAll)

    const put = keysPut(asked)
    const keys = put.reduce((sum, count) => sum + count, 0)
    expect(keys).toBeGreaterThan(20 * WORDS)
    expect(Math.max(...put)).toBeLessThanOrEqual(KEYS_PER_STEP)
    expect(turns).toBeGreaterThan(put.length)
    expect(Math.max(...answered)).toBeLessThanOrEqual(128 * 1_024)
    for (const { chats } of await blocks()) {
      const places = Array.from({ length: placeCount(chats) }, (_, n) => placeAt(chats, n))
      const bytes = places.reduce((sum, { chatId }) => sum + (stories[chatId - 2]?.length ?? 12) + 2, 0)
      expect(bytes).toBeLessThanOrEqual(BLOCK_BYTES)
    }
    for (const n of [0, 7, 19]) {
      expect(await found(`${word(n, 0)} ${word(n, WORDS - 1)}`)).toEqual([n + 2])
      expect(await found(`${word(n, 5)} ${word(n, 6)}`, { match: 'phrase' })).toEqual([n + 2])
    }
    expect(await found(`${word(3, 0)} ${word(4, 0)}`)).toEqual([])
    expect(await found('talk')).toEqual([1, said])
  })

  it('are indexed as soon as they fill a block, before there are a thousand chats', async () => {
    await say(Array.from({ length: 12 }, (_, n) => story(n)))

    const progress = await indexChats(store.db)

    expect(progress.indexed).toBeGreaterThan(4)
    expect(progress.indexed + progress.waiting).toBe(12)
    expect(await indexChats(store.db)).toEqual({ indexed: 0, waiting: progress.waiting })
  })

  it('are read a few at a time by searches, indexed or not', async () => {
    await say(Array.from({ length: 30 }, (_, n) => `${story(n)} common ${n === 29 ? 'last words' : 'words last'}`))
    for (const indexed of [false, true]) {
      if (indexed) await indexAll()
      const bytes = 30 * story(0).length

      const { answered, turns } = await watched(async () =>
        expect(await found('last words', { match: 'phrase' })).toEqual([30]),
      )

      expect(answered.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(bytes)
      expect(Math.max(...answered)).toBeLessThanOrEqual(128 * 1_024)
      expect(turns).toBeGreaterThan(bytes / (64 * 1_024))
    }
  })

  it('end a full page, and the next page continues there, indexed or not', async () => {
    await say(Array.from({ length: 45 }, (_, n) => (n % 3 === 0 ? `common talk ${n}` : `${story(n)} common`)))
    let pages = 0
    for (const indexed of [0, 20, 45]) {
      if (indexed > 0) await indexChats(store.db, { limit: indexed, atLeast: 1 })
      for (const order of ['oldest', 'newest'] as const) {
        const ids: number[] = []
        for (let after: string | undefined; ; ) {
          pages += 1
          const page = await search('common', { order, after, limit: 100 })
          expect(page.chats.reduce((sum, chat) => sum + chat.text.length, 0)).toBeLessThan(3 * 1_024 * 1_024)
          ids.push(...page.chats.map((chat) => chat.chatId))
          if (!page.exceeded) break
          after = page.next
        }
        const all = Array.from({ length: 45 }, (_, n) => n + 1)
        expect(ids).toEqual(order === 'oldest' ? all : all.reverse())
      }
    }
    expect(pages).toBeGreaterThan(6)
  })

  it('are found by their current text, even if they changed while their block was written', async () => {
    await say([story(0), story(1)])
    let changing: Promise<unknown> | undefined
    const meanwhile = ({ sql }: Asked) => {
      if (sql.startsWith('insert into search_word')) changing ??= change(1, `${story(2)} changed`)
    }

    store.db.knex.on('query', meanwhile)
    await indexAll()
    store.db.knex.off('query', meanwhile)
    await changing

    expect(await found('changed')).toEqual([1])
    await indexAll()
    expect(await found(`changed ${word(2, 9)}`)).toEqual([1])
    expect(await found(word(0, 9))).toEqual([])
    expect(
      await store.db.knex('search_word').whereIn(
        'word',
        [9, 10].map((n) => wordKey(word(0, n))),
      ),
    ).toEqual([])
    expect(await store.db.knex('search_again')).toEqual([])
  })

  it('are corrected a few keys at a time, and again if they change meanwhile', async () => {
    await say([story(0), story(1)])
    await indexAll()
    await change(1, story(2))
    let changing: Promise<unknown> | undefined
    const meanwhile = ({ sql }: Asked) => {
      if (sql.startsWith('insert into search_word')) changing ??= change(1, story(3))
    }

    store.db.knex.on('query', meanwhile)
    const { asked } = await watched(indexAll)
    store.db.knex.off('query', meanwhile)
    await changing
    expect(await found(word(3, 9))).toEqual([1])
    await indexAll()

    expect(keysPut(asked).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(WORDS)
    expect(Math.max(...keysPut(asked))).toBeLessThanOrEqual(KEYS_PER_STEP)
    for (const [n, ids] of [[0], [1, 2], [2], [3, 1]].map(([n, ...ids]) => [n!, ids] as const)) {
      expect(await found(word(n, 9))).toEqual(ids)
      expect(await store.db.knex('search_word').where({ word: wordKey(word(n, 9)) })).toHaveLength(ids.length)
    }
    expect(await store.db.knex('search_again')).toEqual([])
  })

  it('of an unfinished block are removed and indexed again', async () => {
    const [left]: { id: number }[] = await store.db
      .knex('search_block')
      .insert({ oldest: Number.MAX_SAFE_INTEGER, newest: -1, chats: Buffer.alloc(0) })
      .returning('id')
    const rows = Array.from({ length: KEYS_PER_STEP + 1 }, (_, n) => ({
      block: left!.id,
      word: n,
      chats: Buffer.alloc(2),
    }))
    await store.db.knex.batchInsert('search_word', rows, 200)
    await say([story(0)])

    expect(await found(word(0, 1))).toEqual([1])
    await indexAll()

    expect(await store.db.knex('search_word').where({ block: left!.id })).toEqual([])
    expect((await blocks()).map(({ newest }) => newest)).toEqual([NOW + 1])
    expect(await found(word(0, 1))).toEqual([1])
  })
})

const BLOCK_BYTES = 512 * 1_024
const KEYS_PER_STEP = 2_048
const WORDS = 10_000
const word = (story: number, n: number) => (36 ** 4 + story * WORDS + n).toString(36)
/** 60,000 characters of words that no other story has. */
const story = (n: number) => Array.from({ length: WORDS }, (_, index) => word(n, index)).join(' ')
