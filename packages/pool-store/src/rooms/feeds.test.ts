import { matches } from '@hansard/chat-text'
import type { Database } from '@hansard/sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  deleteFeed,
  FEEDS_MAX,
  type FeedFilter,
  feedProblem,
  feedsOf,
  findFeed,
  indexChats,
  type Principal,
  putFeed,
  readFeed,
  searchFeed,
} from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'

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

  it('are kept by name, a bounded number for each', async () => {
    const put = (name: string, words: string[]) =>
      putFeed(db, { principalId: alice.id, name, filter: filter({ words, authors: [bob.uri] }) })
    for (let n = 0; n < FEEDS_MAX; n += 1) expect(await put(`feed ${n}`, ['x'])).toBe('put')

    expect(await put('one more', ['x'])).toBe('limit-exceeded')
    expect(await put('feed 7', ['y\0'])).toBe('put')

    expect(await findFeed(db, { principalId: alice.id, name: 'feed 7' })).toEqual({
      name: 'feed 7',
      filter: { words: ['y\0'], authors: [bob.uri], ego: false },
    })
    expect(await deleteFeed(db, { principalId: bob.id, name: 'feed 7' })).toBe(false)
    expect(await deleteFeed(db, { principalId: alice.id, name: '\0' })).toBe(false)
    expect(await deleteFeed(db, { principalId: alice.id, name: 'feed 7' })).toBe(true)
    const found = await feedsOf(db, [alice.id, bob.id])
    expect([...found.keys()]).toEqual([alice.id])
    expect(found.get(alice.id)).toHaveLength(FEEDS_MAX - 1)
  })

  it('open page by page, newest first, with chats by the words or by the authors, each once', async () => {
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

describe('a feed', () => {
  const owner = { name: 'Ana Ruiz-Sø', account: 'aruiz' }
  const finds = (some: Partial<FeedFilter>, text: string) => {
    const query = readFeed(filter(some), owner)
    return query !== undefined && matches(query, { text })
  }

  it('takes several words of an entry as they stand side by side, and any of the entries', () => {
    expect(finds({ words: ['red line', 'green'] }, 'beyond the RED line')).toBe(true)
    expect(finds({ words: ['red line', 'green'] }, 'a line in red')).toBe(false)
    expect(finds({ words: ['red line', 'green'] }, 'Green!')).toBe(true)
  })

  it('of one’s own hears one’s name and account', () => {
    expect(finds({ ego: true }, 'ask ana ruiz sø about it')).toBe(true)
    expect(finds({ ego: true }, '@aruiz?')).toBe(true)
    expect(finds({ ego: true }, 'ask Ana')).toBe(false)
    expect(finds({ words: ['x'] }, 'aruiz')).toBe(false)
  })

  it('that looks for nothing, or for too much, is no feed; with the longest name every other one can be read', () => {
    expect(feedProblem(filter({}))).toMatch(/needs words or authors/)
    expect(feedProblem(filter({ words: ['*'] }))).toMatch(/letter or a digit/)
    expect(feedProblem(filter({ words: Array.from({ length: 49 }, () => 'a') }))).toMatch(/48 words/)
    expect(feedProblem(filter({ words: Array.from({ length: 48 }, () => 'x'.repeat(200)) }))).toMatch(/1200 characters/)
    const most = filter({ words: Array.from({ length: 48 }, () => '\ufdfa'.slice(0, 1)), ego: true })
    const full = filter({ words: Array.from({ length: 48 }, () => 'x'.repeat(24)), ego: true })
    const long = { name: '\ufdfa '.repeat(128), account: 'a '.repeat(128) }
    for (const each of [most, full]) {
      if (feedProblem(each) === undefined) expect(readFeed(each, long)!.terms.length).toBeGreaterThan(0)
    }
    expect(feedProblem(full)).toBeUndefined()
    expect(feedProblem(filter({ authors: ['sip:a@b'] }))).toBeUndefined()
  })
})
