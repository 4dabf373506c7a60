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
  type Principal,
  putFeed,
  readFeed,
} from '../index.ts'
import { openStoreInTest, type StoreInTest } from '../store-in-test.ts'

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

  it('are stored by name, a bounded number per principal', async () => {
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
})

describe('a feed', () => {
  const owner = { name: 'Ana Ruiz-Sø', account: 'aruiz' }
  const finds = (some: Partial<FeedFilter>, text: string) => {
    const query = readFeed(filter(some), owner)
    return query !== undefined && matches(query, { text })
  }

  it('matches the words of an entry where they are adjacent, and any of the entries', () => {
    expect(finds({ words: ['red line', 'green'] }, 'beyond the RED line')).toBe(true)
    expect(finds({ words: ['red line', 'green'] }, 'a line in red')).toBe(false)
    expect(finds({ words: ['red line', 'green'] }, 'Green!')).toBe(true)
  })

  it('with the ego option matches the user’s name and account', () => {
    expect(finds({ ego: true }, 'ask ana ruiz sø about it')).toBe(true)
    expect(finds({ ego: true }, '@aruiz?')).toBe(true)
    expect(finds({ ego: true }, 'ask Ana')).toBe(false)
    expect(finds({ words: ['x'] }, 'aruiz')).toBe(false)
  })

  it('is refused when it matches nothing or has too many words; every accepted one can be read, with the longest name too', () => {
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
