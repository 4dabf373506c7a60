import type { FeedFilter, Principal } from '@hansard/pool-store'
import { NOW, openStoreInTest, type StoreInTest } from '@hansard/pool-store/testing'
import type { Database } from '@hansard/sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { indexChats, searchFeed } from './index.ts'

const filter = (some: Partial<FeedFilter>): FeedFilter => ({ words: [], authors: [], ego: false, ...some })

describe.each(['sqlite', 'postgres'] as const)('feeds on %s', (dialect) => {
  let store: StoreInTest
  let db: Database
  let alice: Principal
  let bob: Principal
  beforeAll(async () => {
    store = await openStoreInTest(dialect)
    db = store.db
    alice = await store.addUser('alice')
    bob = await store.addUser('bob')
  })
  afterAll(() => store?.close())

  it('return pages, newest first, of chats by the words or by the authors, each once', async () => {
    const roomId = await store.addRoom('talk')
    const elsewhere = await store.addRoom('elsewhere')
    const chats = Array.from({ length: 60 }, (_, n) => ({
      room_id: roomId,
      chat_id: n + 1,
      posted_at: NOW + Math.floor(n / 3),
      principal_id: n % 5 === 0 ? bob.id : alice.id,
      post: `p${n}`,
      content: JSON.stringify(n % 7 === 0 ? 'The quarterly report' : 'nothing'),
    }))
    await db.knex('chat').insert(chats)
    await db.knex('chat').insert({ ...chats[0], room_id: elsewhere })
    await db.knex('room').whereIn('id', [roomId, elsewhere]).update({ last_chat_id: 60 })
    const open = async (some: Partial<FeedFilter>, authorIds: number[]) => {
      const ids: number[] = []
      for (let after: string | undefined, pages = 0; pages < 100; pages += 1) {
        const search = { roomIds: [roomId], filter: filter(some), owner: alice, authorIds, after, limit: 4 }
        const page = await searchFeed(db, search)
        ids.push(...page.chats.map((chat) => chat.chatId))
        if (!page.exceeded) break
        after = page.next
      }
      return ids
    }
    const expected = (test: (n: number) => boolean) =>
      chats
        .map((_, n) => n + 1)
        .filter((id) => test(id - 1))
        .reverse()

    for (const indexed of [false, true]) {
      if (indexed) await indexChats(db, { atLeast: 1 })
      expect(await open({ words: ['report'] }, [])).toEqual(expected((n) => n % 7 === 0))
      expect(await open({}, [bob.id])).toEqual(expected((n) => n % 5 === 0))
      expect(await open({ words: ['quarterly report', 'absent'] }, [bob.id])).toEqual(
        expected((n) => n % 7 === 0 || n % 5 === 0),
      )
      expect(await open({ words: ['report quarterly'] }, [])).toEqual([])
      expect(await open({}, [])).toEqual([])
    }
  })
})
