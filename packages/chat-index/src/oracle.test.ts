import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chatQuery, matches } from '@hansard/chat-text'
import { POOL_MIGRATIONS } from '@hansard/pool-store'
import { type Database, migrate, openDatabase } from '@hansard/sql'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChatSearch, type ChatsFound, indexChats, SearchRefused, searchChats } from './index.ts'
import { reindexChat } from './reindex.ts'

// Every operation runs on both databases, and both must return what a filter over all chats returns.
let postgres: SharedPostgres
let databases: Database[] = []
let authors: number[] = []

beforeAll(async () => {
  postgres = await sharePostgres()
  const urls = [
    `sqlite:${join(mkdtempSync(join(tmpdir(), 'hansard-')), 'pool.db')}`,
    await postgres.createDatabase('search_oracle'),
  ]
  databases = urls.map((url) => openDatabase({ url }))
  for (const db of databases) {
    await migrate(db, POOL_MIGRATIONS)
    const people = ['ann', 'bob', 'cy'].map((account) => ({ account, uri: `sip:${account}@x`, display_name: account }))
    await db.knex('principal').insert(people.map((person) => ({ ...person, secret: 'x', created_at: 0 })))
  }
  const rows: { id: number }[] = await databases[0]!.knex('principal').whereIn('account', ['ann', 'bob', 'cy'])
  authors = rows.map((row) => row.id)
})
afterAll(async () => {
  for (const db of databases) await db.close()
  await postgres?.stop()
})

type Said = { room: number; at: number; author: number; text: string; title: string | null; unlogged: boolean }
type Stored = Said & { chatId: number; state: string }
const ROOMS = [11, 12, 13, 14]

const word = fc.constantFrom(
  'a',
  'A',
  'b',
  'oil',
  'Oil',
  'gas',
  'straße',
  'STRASSE',
  '東',
  '京',
  '👍',
  '\ud800',
  'o\u00adil',
  'gаs',
  '\u200b',
  '\0',
  '"',
  "'",
  '-',
)
const text = fc
  .array(fc.tuple(word, fc.constantFrom(' ', ' ', '', '-')), { maxLength: 6 })
  .map((parts) => parts.flat().join(''))
const said = fc.record<Said>({
  room: fc.constantFrom(...ROOMS),
  // Few distinct times, so that many chats share one, and not in the order of the ids.
  at: fc.integer({ min: 1_000, max: 1_012 }),
  author: fc.nat(2),
  text,
  title: fc.option(text, { freq: 5 }),
  unlogged: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
})
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('say' as const), chats: fc.array(said, { minLength: 1, maxLength: 25 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('index' as const), limit: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replace' as const), which: fc.nat(), text }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('purge' as const), which: fc.nat() }) },
)
const time = fc.option(fc.integer({ min: 998, max: 1_014 }), { nil: undefined, freq: 2 })
const asked = fc.record({
  rooms: fc.oneof(fc.constant(ROOMS), fc.subarray(ROOMS)),
  words: fc.option(fc.oneof({ weight: 3, arbitrary: word }, text), { nil: undefined, freq: 6 }),
  match: fc.constantFrom('any' as const, 'all' as const, 'phrase' as const),
  caseSensitive: fc.boolean(),
  lookAlikes: fc.boolean(),
  authors: fc.option(fc.subarray([0, 1, 2]), { nil: undefined, freq: 2 }),
  from: time,
  to: time,
  order: fc.constantFrom('newest' as const, 'oldest' as const),
  limit: fc.integer({ min: 1, max: 8 }),
})

describe('a search, on SQLite and PostgreSQL alike,', () => {
  it('returns page by page what a filter over all chats returns', async () => {
    const seen = { found: 0, pages: 0, indexed: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 10 }),
        fc.array(asked, { minLength: 4, maxLength: 8 }),
        async (steps, searches) => {
          await empty()
          const stored: Stored[] = []
          for (const each of steps) seen.indexed += await perform(each, stored)
          for (const { rooms, authors: who, ...rest } of searches) {
            const search: ChatSearch = { ...rest, roomIds: rooms, authorIds: who?.map((n) => authors[n]!) }
            const expected = filter(stored, search)
            for (const db of databases) {
              const pages = await allPages(db, search)
              expect(pages.flatMap((page) => page.chats.map((chat) => `${chat.roomId} ${chat.chatId}`))).toEqual(
                expected,
              )
              expect(pages.length).toBe(Math.max(1, Math.ceil(expected.length / rest.limit)))
              seen.pages += pages.length
            }
            seen.found += expected.length
          }
        },
      ),
      { numRuns: 150 },
    )
    // Guards against a test that compares empty results with empty results.
    expect(seen.found).toBeGreaterThan(300)
    expect(seen.indexed).toBeGreaterThan(150)
  }, 120_000)

  it('answers or refuses every query, and never fails with a database error', async () => {
    await empty()
    await perform(
      { do: 'say', chats: [{ room: 11, at: 1, author: 0, text: 'or "and" near(', title: null, unlogged: false }] },
      [],
    )
    await perform({ do: 'index', limit: 9 }, [])
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.constantFrom(
        '"',
        "'; drop table chat; --",
        'a AND OR NOT NEAR(b',
        '*',
        '\0',
        '\ud800\udc00\ud800',
        'a:*|!b',
        '<->',
        '?',
        '$1',
        '%_',
      ),
      fc.constantFrom('x'.repeat(65_536), 'w '.repeat(32_768), '東'.repeat(1_500), 'é'.repeat(2_000)),
    )
    const number = fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger())
    const strange = fc.record(
      {
        roomIds: fc.array(fc.oneof(fc.constant(11), number), { maxLength: 3 }),
        words: hostile,
        match: fc.constantFrom('any' as const, 'all' as const, 'phrase' as const),
        caseSensitive: fc.boolean(),
        authorIds: fc.array(number, { maxLength: 3 }),
        from: number,
        to: number,
        order: fc.constantFrom('newest' as const, 'oldest' as const),
        after: fc.oneof(
          hostile,
          fc.string().map((s) => Buffer.from(s).toString('base64url')),
        ),
        limit: fc.oneof(fc.constant(10), number),
      },
      { requiredKeys: ['roomIds', 'match', 'caseSensitive', 'order'] },
    )
    let answered = 0
    await fc.assert(
      fc.asyncProperty(strange, async (search) => {
        for (const db of databases) {
          try {
            for (const chat of (await searchChats(db, search)).chats) expect(search.roomIds).toContain(chat.roomId)
            answered += 1
          } catch (error) {
            expect(error).toBeInstanceOf(SearchRefused)
          }
        }
      }),
      { numRuns: 300 },
    )
    expect(answered).toBeGreaterThan(10)
  }, 60_000)
})

async function empty(): Promise<void> {
  for (const db of databases) {
    for (const table of ['chat', 'search_room', 'search_block', 'search_word', 'search_again'])
      await db.knex(table).delete()
    await db.knex('room').whereIn('id', ROOMS).delete()
    await db
      .knex('room')
      .insert(ROOMS.map((id) => ({ id, uri: `ma-chan://x/${id}`, name: `room ${id}`, privacy: 'open', created_at: 0 })))
  }
}

/** Applies it to both databases and to `stored`; returns how many chats were indexed. */
async function perform(each: Step, stored: Stored[]): Promise<number> {
  if (each.do === 'index') {
    // into several small blocks
    let indexed = 0
    for (let n = 0; n < 4; n += 1) {
      const [one, other] = await Promise.all(databases.map((db) => indexChats(db, { limit: each.limit, atLeast: 1 })))
      expect(one).toEqual(other)
      indexed += one!.indexed
    }
    return indexed
  }
  if (each.do === 'say') {
    const chats = each.chats.map((chat, index) => {
      const before = [...stored, ...each.chats.slice(0, index)].filter(({ room }) => room === chat.room)
      return { ...chat, chatId: before.length + 1, state: 'kept' }
    })
    for (const db of databases) {
      await db.knex('chat').insert(chats.map(rowOf))
      for (const { room, chatId } of chats) await db.knex('room').where({ id: room }).update({ last_chat_id: chatId })
    }
    stored.push(...chats)
    return 0
  }
  const chat = stored[each.which % Math.max(stored.length, 1)]
  if (!chat || chat.state === 'purged') return 0
  if (each.do === 'purge') Object.assign(chat, { state: 'purged', text: '', title: null })
  else Object.assign(chat, { state: 'replaced', text: each.text })
  for (const db of databases) {
    await db.knex.transaction(async (tx) => {
      const { content, title, state } = rowOf(chat)
      await tx('chat').where({ room_id: chat.room, chat_id: chat.chatId }).update({ content, title, state })
      await reindexChat(tx, chat.room, chat.chatId)
    })
  }
  return 0
}
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never

const rowOf = (chat: Stored) => ({
  room_id: chat.room,
  chat_id: chat.chatId,
  posted_at: chat.at,
  principal_id: authors[chat.author]!,
  post: `${chat.room} ${chat.chatId}`,
  content: JSON.stringify(chat.text),
  title: chat.title === null ? null : JSON.stringify(chat.title),
  state: chat.state,
  unlogged: chat.unlogged,
})

function filter(stored: readonly Stored[], search: ChatSearch): string[] {
  const query = search.words === undefined ? undefined : chatQuery({ ...search, words: search.words })
  const sign = search.order === 'oldest' ? 1 : -1
  return stored
    .filter((chat) => search.roomIds.includes(chat.room) && chat.state !== 'purged' && !chat.unlogged)
    .filter((chat) => search.authorIds?.includes(authors[chat.author]!) ?? true)
    .filter((chat) => chat.at >= (search.from ?? 0) && chat.at <= (search.to ?? 9_999))
    .filter((chat) => !query || matches(query, { text: chat.text, title: chat.title ?? undefined }))
    .sort((a, b) => sign * (a.at - b.at || a.room - b.room || a.chatId - b.chatId))
    .map((chat) => `${chat.room} ${chat.chatId}`)
}

async function allPages(db: Database, search: ChatSearch): Promise<ChatsFound[]> {
  const pages: ChatsFound[] = []
  for (let after: string | undefined; ; ) {
    const page = await searchChats(db, { ...search, after })
    pages.push(page)
    if (!page.exceeded) return pages
    after = page.next
    expect(pages.length).toBeLessThan(1_000)
  }
}
