import type { Principal } from '@hansard/pool-store'
import { NOW, openStoreInTest, type StoreInTest } from '@hansard/pool-store/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { roomKey, wordKey } from './block.ts'
import { indexChats, searchChats, searchFeed } from './index.ts'
import { reindexChats } from './reindex.ts'

const HIDDEN = ['the mar\u00adgin call', 'İSTANBUL office', 'pаyroll of May']

describe.each(['sqlite', 'postgres'] as const)('an index of older rules on %s', (dialect) => {
  let store: StoreInTest
  let alice: Principal
  beforeAll(async () => {
    store = await openStoreInTest(dialect)
    alice = await store.addUser('alice')
  })
  afterAll(() => store?.close())

  /** A block as the first version left it: the words that hide something were cut there. */
  async function addOlderBlock(roomId: number): Promise<number> {
    const { knex } = store.db
    const rows = HIDDEN.map((text, n) => ({
      ...{ room_id: roomId, chat_id: n + 1, posted_at: NOW + n, principal_id: alice.id, post: `p${n}` },
      content: JSON.stringify(text),
    }))
    await knex('chat').insert(rows)
    await knex('room').where({ id: roomId }).update({ last_chat_id: HIDDEN.length })
    await indexChats(store.db, { atLeast: 1 })
    const { block }: { block: number } = await knex('search_word')
      .where({ word: roomKey(roomId) })
      .first('block')
    const later = ['margin', 'istanbul', 'payroll'].map(wordKey)
    expect(await knex('search_word').where({ block }).whereIn('word', later).delete()).toBe(3)
    await knex('search_block').where({ id: block }).update({ version: 1 })
    return block
  }
  const found = async (roomId: number, words: string) => {
    const search = { roomIds: [roomId], words, match: 'all', caseSensitive: false, order: 'oldest' } as const
    return (await searchChats(store.db, search)).chats.map(({ chatId }) => chatId)
  }
  const inFeed = async (roomId: number, words: string) => {
    const filter = { words: [words], authors: [], ego: false }
    const feed = await searchFeed(store.db, { roomIds: [roomId], filter, owner: alice, authorIds: [], limit: 9 })
    return feed.chats.map(({ chatId }) => chatId)
  }
  const all = async (roomId: number) => [
    ...[await found(roomId, 'margin'), await found(roomId, 'istanbul'), await found(roomId, 'payroll')],
    ...[await inFeed(roomId, 'margin'), await inFeed(roomId, 'istanbul'), await inFeed(roomId, 'payroll')],
  ]
  const EVERYTHING = [[1], [2], [], [1], [2], [3]]

  it('misses nothing, and is written anew in the background', async () => {
    const roomId = await store.addRoom('older')
    const block = await addOlderBlock(roomId)
    expect(await all(roomId)).toEqual(EVERYTHING)

    expect(await indexChats(store.db)).toEqual({ indexed: 0, waiting: 0, renewed: HIDDEN.length })
    expect(await store.db.knex('search_block').where({ id: block }).first('version')).toEqual({ version: 2 })
    expect(await all(roomId)).toEqual(EVERYTHING)
    expect(await indexChats(store.db)).toEqual({ indexed: 0, waiting: 0 })
  })

  it('goes by what a chat says now, when it changed before its block was written anew', async () => {
    const roomId = await store.addRoom('changed')
    await addOlderBlock(roomId)
    await store.db.knex.transaction(async (tx) => {
      await tx('chat').where({ room_id: roomId, chat_id: 1 }).update({ content: '"the ren\u200cdezvous"' })
      await reindexChats(tx, roomId, [1])
    })
    const expected = [[], [2], [], [], [2], [3]]
    expect(await all(roomId)).toEqual(expected)
    expect(await found(roomId, 'rendezvous')).toEqual([1])
    for (let progress = await indexChats(store.db); progress.indexed || progress.renewed; ) {
      progress = await indexChats(store.db)
    }
    expect(await all(roomId)).toEqual(expected)
    expect(await found(roomId, 'rendezvous')).toEqual([1])
    expect(await store.db.knex('search_again')).toEqual([])
  })
})
