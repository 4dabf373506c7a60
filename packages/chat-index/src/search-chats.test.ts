import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { POOL_MIGRATIONS } from '@hansard/pool-store'
import { type Database, migrate, openDatabase } from '@hansard/sql'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { placeAt, placeCount, wordKey } from './block.ts'
import { type ChatSearch, indexChats, searchChats } from './index.ts'
import { reindexChat, reindexRoom } from './reindex.ts'

describe.each(['sqlite', 'postgres'] as const)('the search index on %s', (dialect) => {
  let server: SharedPostgres | undefined
  let db: Database
  let ann: number

  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
    const url = server
      ? await server.createDatabase('search')
      : `sqlite:${join(mkdtempSync(join(tmpdir(), 'hansard-')), 'pool.db')}`
    db = openDatabase({ url })
    await migrate(db, POOL_MIGRATIONS)
    const person = { account: 'ann', uri: 'sip:ann@x', display_name: 'Ann', secret: 'x', created_at: 0 }
    const [row]: { id: number }[] = await db.knex('principal').insert(person).returning('id')
    ann = row!.id
  })
  afterAll(async () => {
    await db?.close()
    await server?.stop()
  })
  beforeEach(async () => {
    const tables = ['chat', 'search_room', 'search_block', 'search_word', 'search_again']
    for (const table of tables) await db.knex(table).delete()
    await db.knex('room').whereIn('id', [101, 102]).delete()
    const rooms = [101, 102].map((id) => ({
      id,
      uri: `ma-chan://x/${id}`,
      name: `${id}`,
      privacy: 'open',
      created_at: 0,
    }))
    await db.knex('room').insert(rooms)
  })

  /** Posts to a room, one chat per second. */
  async function say(roomId: number, texts: readonly string[], more: Record<string, unknown> = {}): Promise<void> {
    const room: { last_chat_id: number } = await db.knex('room').where({ id: roomId }).first()
    const rows = texts.map((text, index) => {
      const chatId = room.last_chat_id + index + 1
      const [posted_at, post, content] = [chatId * 1_000, `${chatId}`, JSON.stringify(text)]
      return { room_id: roomId, chat_id: chatId, posted_at, principal_id: ann, post, content, ...more }
    })
    await db.knex.batchInsert('chat', rows, 100)
    await db
      .knex('room')
      .where({ id: roomId })
      .update({ last_chat_id: room.last_chat_id + texts.length })
  }
  const search = (words: string, more: Partial<ChatSearch> = {}) =>
    searchChats(db, {
      roomIds: [101, 102],
      words,
      match: 'all',
      caseSensitive: false,
      order: 'newest',
      ...more,
    })
  const texts = async (words: string, more: Partial<ChatSearch> = {}) =>
    (await search(words, more)).chats.map((chat) => chat.text)
  const indexAll = () => indexChats(db, { atLeast: 1 })
  async function change(chatId: number, row: Record<string, unknown>): Promise<void> {
    await db.knex.transaction(async (tx) => {
      await tx('chat').where({ room_id: 101, chat_id: chatId }).update(row)
      await reindexChat(tx, 101, chatId)
    })
  }

  it('finds chats that are not indexed yet as well as indexed ones', async () => {
    await say(101, ['old oil'])
    await indexAll()
    await say(102, ['new oil'])
    await say(101, ['newest oil'])

    expect(await texts('oil')).toEqual(['newest oil', 'new oil', 'old oil'])
    expect(await texts('oil', { order: 'oldest' })).toEqual(['old oil', 'new oil', 'newest oil'])
  })

  it('returns complete chats: author, room, time, and the title of a story', async () => {
    await say(101, ['body'], { title: JSON.stringify('Quarterly figures'), alert: true })
    await indexAll()

    expect((await search('figures')).chats).toEqual([
      {
        roomId: 101,
        chatId: 1,
        postedAt: 1_000,
        author: { uri: 'sip:ann@x', name: 'Ann' },
        alert: true,
        title: 'Quarterly figures',
        text: 'body',
        state: 'kept',
      },
    ])
  })

  it('never returns anything of a room that was not named', async () => {
    await say(101, ['oil here'])
    await say(102, ['oil there'])
    await indexAll()
    await say(102, ['oil there again'])

    expect(await texts('oil', { roomIds: [101] })).toEqual(['oil here'])
    expect(await texts('oil', { roomIds: [] })).toEqual([])
    expect(await texts('oil', { roomIds: Array.from({ length: 5_000 }, (_, n) => n + 102) })).toHaveLength(2)
  })

  it('finds a replaced chat only by its new text, before and after reindexing', async () => {
    await say(101, ['sell everything', 'sell nothing'])
    await indexAll()

    await change(1, { content: '"buy"', state: 'replaced' })
    expect(await texts('everything')).toEqual([])
    expect(await texts('buy')).toEqual(['buy'])
    expect(await db.knex('search_word').where({ word: wordKey('everything') })).toHaveLength(1)

    expect(await indexAll()).toEqual({ indexed: 1, waiting: 0 })
    expect(await texts('buy')).toEqual(['buy'])
    expect(await texts('sell')).toEqual(['sell nothing'])
    // The words are no longer in the index itself.
    expect(await db.knex('search_word').where({ word: wordKey('everything') })).toEqual([])
    expect(await db.knex('search_again')).toEqual([])
  })

  it('erases the words of a purged chat and of a cleared room', async () => {
    await say(101, ['first secret', 'second secret'])
    await say(102, ['third secret'])
    await indexAll()

    await change(1, { content: '""', state: 'purged' })
    expect(await texts('secret')).toHaveLength(2)
    await db.knex.transaction(async (tx) => {
      await tx('chat').where({ room_id: 101 }).update({ content: '""', state: 'purged' })
      await reindexRoom(tx, 101)
    })
    expect(await texts('secret')).toEqual(['third secret'])
    expect(await texts('', { words: undefined })).toEqual(['third secret'])

    await indexAll()
    expect(await texts('secret')).toEqual(['third secret'])
    const left = await db.knex('search_word').whereIn('word', ['first', 'second', 'third'].map(wordKey))
    expect(left).toHaveLength(1)
  })

  it('ignores a change that was rolled back', async () => {
    await say(101, ['stays'])
    await indexAll()
    const undone = db.knex.transaction(async (tx) => {
      await tx('chat').where({ room_id: 101 }).update({ content: '"goes"' })
      await reindexChat(tx, 101, 1)
      throw new Error('no')
    })
    await expect(undone).rejects.toThrow('no')

    await indexAll()
    expect(await texts('stays')).toEqual(['stays'])
    expect(await texts('goes')).toEqual([])
  })

  it('continues where a page ended, whatever is posted meanwhile', async () => {
    await say(101, ['oil 1', 'oil 2', 'oil 3', 'oil 4'])
    await indexAll()
    const first = await search('oil', { limit: 2 })
    expect(first).toMatchObject({ exceeded: true, chats: [{ text: 'oil 4' }, { text: 'oil 3' }] })
    await say(101, ['oil 5'])
    await indexAll()

    const second = await search('oil', { limit: 2, after: first.next })
    expect(second.chats.map((chat) => chat.text)).toEqual(['oil 2', 'oil 1'])
    expect(second.exceeded).toBe(false)
    expect(second.next).toBeUndefined()
  })

  it('reads a bounded number of chats per page, and reaches the end page by page', async () => {
    // All chats have both words; only in the first are they adjacent.
    await say(101, ['a b', ...Array.from({ length: 6_999 }, () => 'b a')])
    for (let n = 0; n < 3; n += 1) await indexAll()

    const first = await search('a b', { match: 'phrase' })
    expect(first).toMatchObject({ chats: [], exceeded: true })
    const second = await search('a b', { match: 'phrase', after: first.next })
    expect(second).toMatchObject({ chats: [{ chatId: 1, text: 'a b' }], exceeded: false })
  })

  it('indexes every chat once, in blocks of nearby times, however many services index', async () => {
    // One busy room and one with few chats; 4,500 chats of history in all.
    await say(
      101,
      Array.from({ length: 4_000 }, (_, n) => `busy ${n}`),
    )
    await say(
      102,
      Array.from({ length: 500 }, (_, n) => `quiet ${n}`),
    )
    await db
      .knex('chat')
      .where({ room_id: 102 })
      .update({ posted_at: db.knex.raw('posted_at * 8') })
    for (let n = 0; n < 4; n += 1) await Promise.all([indexAll(), indexAll(), indexAll()])

    const blocks: { chats: Buffer; oldest: number; newest: number }[] = await db.knex('search_block').orderBy('id')
    const places = blocks.flatMap(({ chats }) => Array.from({ length: placeCount(chats) }, (_, n) => placeAt(chats, n)))
    expect(places).toHaveLength(4_500)
    expect(new Set(places.map((place) => `${place.roomId} ${place.chatId}`)).size).toBe(4_500)
    for (const [index, block] of blocks.entries()) {
      if (index > 0) expect(block.oldest).toBeGreaterThanOrEqual(blocks[index - 1]!.newest)
    }
    expect(await texts('busy 3999')).toEqual(['busy 3999'])
  })

  it('refuses a search when too many chats are not indexed yet', async () => {
    await db.knex('room').where({ id: 101 }).update({ last_chat_id: 60_000 })
    await expect(search('oil')).rejects.toThrow(/60000 chats of these rooms are not indexed yet/)
    expect(await texts('oil', { roomIds: [102] })).toEqual([])
  })
})
