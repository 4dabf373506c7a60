import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChatSearch, indexChats, searchChats } from '@hansard/chat-index'
import { historyOf, POOL_MIGRATIONS } from '@hansard/pool-store'
import { type Database, migrate, openDatabase } from '@hansard/sql'
import { startPostgres } from '@hansard/test-servers'
import { type Spread, spreadOf, timed } from './spread.ts'

type SearchFigures = {
  /** milliseconds */
  readonly history: Spread
  readonly searches: readonly { readonly what: string; readonly spread: Spread; readonly found: number }[]
  readonly all: Spread
  readonly indexedPerSecond: number
}

const ROOMS = 200
const AUTHORS = 2_000
const VOCABULARY = 200_000
const START = Date.UTC(2026, 0, 1)

/**
 * `chats` chats of 3 to 20 words, with words and rooms in a natural (Zipf) distribution, indexed and searched. The
 * words of the searches range from the most common to ones that occur in a single chat.
 */
export async function benchSearch(dialect: 'sqlite' | 'postgres', chats: number): Promise<SearchFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-search-'))
  const server = dialect === 'postgres' ? await startPostgres({ durable: true }) : undefined
  const url = server ? await server.createDatabase('search') : `sqlite:${join(directory, 'pool.db')}`
  const db = openDatabase({ url })
  try {
    await migrate(db, POOL_MIGRATIONS)
    await fill(db, chats)
    const indexing = performance.now()
    for (;;) {
      const { waiting } = await indexChats(db)
      if (waiting < 1_024) break
    }
    const indexedPerSecond = chats / ((performance.now() - indexing) / 1_000)
    // The database's own maintenance does this within minutes.
    await db.knex.raw('analyze')
    return { ...(await measure(db)), indexedPerSecond }
  } finally {
    await db.close()
    await server?.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measure(db: Database): Promise<Omit<SearchFigures, 'indexedPerSecond'>> {
  const random = randomNumbers(7)
  const pick = (from: number, to: number) => wordOf(Math.floor(from + random() * (to - from)))
  const everywhere = Array.from({ length: ROOMS }, (_, n) => n + 10)
  const some = everywhere.slice(20, 40)
  const search = (words: string | undefined, more: Partial<ChatSearch> = {}): ChatSearch => {
    return { roomIds: everywhere, words, match: 'all', caseSensitive: false, order: 'newest', ...more }
  }
  const day = 86_400_000
  const kinds: Record<string, () => ChatSearch> = {
    'the commonest words': () => search(pick(0, 3)),
    'common words, any': () => search(`${pick(0, 20)} ${pick(0, 20)} ${pick(0, 20)}`, { match: 'any' }),
    'common words, all': () => search(`${pick(0, 20)} ${pick(0, 20)} ${pick(0, 20)}`),
    'a common and a rare word': () => search(`${pick(0, 3)} ${pick(20_000, 200_000)}`),
    'middling words, all': () => search(`${pick(300, 3_000)} ${pick(300, 3_000)}`),
    'a rare word': () => search(pick(20_000, 200_000)),
    'a rare word, oldest first, 999': () => search(pick(5_000, 20_000), { order: 'oldest', limit: 999 }),
    'a word nobody said': () => search('nobodysaidthis'),
    'a phrase of common words': () => search(`${pick(0, 30)} ${pick(0, 30)}`, { match: 'phrase' }),
    'a phrase never said, of common words': () =>
      search(`${wordOf(0)} ${wordOf(1)} ${wordOf(0)} ${wordOf(2)} ${wordOf(0)}`, { match: 'phrase' }),
    'a common word as it was not written': () => search(wordOf(2).toUpperCase(), { caseSensitive: true }),
    'a common word in one small room': () => search(pick(0, 20), { roomIds: [10 + ROOMS - 1] }),
    'middling words in 20 rooms': () => search(`${pick(50, 500)} ${pick(50, 500)}`, { roomIds: some, match: 'any' }),
    'a common word by one author': () => search(pick(0, 20), { authorIds: [10 + Math.floor(random() * AUTHORS)] }),
    'all of one author': () => search(undefined, { authorIds: [10 + Math.floor(random() * AUTHORS)] }),
    'a middling word in one week': () => search(pick(300, 3_000), { from: START + 3 * day, to: START + 10 * day }),
    'five thousand rooms allowed': () =>
      search(pick(0, 300), { roomIds: Array.from({ length: 5_000 }, (_, n) => n + 100) }),
  }
  const history: number[] = []
  const all: number[] = []
  const searches = []
  for (let n = 0; n < 200; n += 1) {
    history.push(await timed(() => historyOf(db, { roomId: 10 + (n % ROOMS), before: 1e9, limit: 100 })))
  }
  for (const [what, make] of Object.entries(kinds)) {
    const times: number[] = []
    let found = 0
    for (let n = 0; n < 20; n += 1) {
      const asked = make()
      times.push(
        await timed(async () => {
          found += (await searchChats(db, asked)).chats.length
        }),
      )
    }
    all.push(...times)
    searches.push({ what, spread: spreadOf(times), found })
  }
  return { history: spreadOf(history), searches, all: spreadOf(all) }
}

async function fill(db: Database, chats: number): Promise<void> {
  const random = randomNumbers(4711)
  const word = zipf(VOCABULARY, random)
  const room = zipf(ROOMS, random)
  const people = Array.from({ length: AUTHORS }, (_, n) => {
    return { id: n + 10, account: `u${n}`, uri: `sip:u${n}@x`, display_name: `U ${n}`, secret: 'x', created_at: 0 }
  })
  const rooms = Array.from({ length: ROOMS }, (_, n) => {
    return { id: n + 10, uri: `ma-chan://x/${n}`, name: `bench ${n}`, privacy: 'open', created_at: 0 }
  })
  for (let from = 0; from < AUTHORS; from += 200) await db.knex('principal').insert(people.slice(from, from + 200))
  await db.knex('room').insert(rooms)
  const last = new Array<number>(ROOMS).fill(0)
  const size = 10_000
  for (let from = 0; from < chats; from += size) {
    const rows = Array.from({ length: Math.min(size, chats - from) }, (_, n) => {
      const at = room()
      last[at]! += 1
      const words = Array.from({ length: 3 + Math.floor(random() * 18) }, () => wordOf(word()))
      const text = JSON.stringify(`${words.join(' ')}.`)
      return [at + 10, last[at]!, START + (from + n) * 1_000, 10 + Math.floor(random() * AUTHORS), `${from + n}`, text]
    })
    await insert(db, rows)
  }
  for (const [at, id] of last.entries())
    await db
      .knex('room')
      .where({ id: at + 10 })
      .update({ last_chat_id: id })
}

async function insert(db: Database, rows: readonly (readonly unknown[])[]): Promise<void> {
  const columns = '(room_id, chat_id, posted_at, principal_id, post, content)'
  if (db.dialect === 'postgres') {
    const lists = [0, 1, 2, 3, 4, 5].map((column) => rows.map((row) => row[column]))
    await db.knex.raw(
      `insert into chat ${columns} select * from unnest(?::int[], ?::int8[], ?::int8[], ?::int[], ?::text[], ?::text[])`,
      lists as never,
    )
    return
  }
  const fields = [0, 1, 2, 3, 4, 5].map((column) => `json_extract(value, '$[${column}]')`)
  await db.knex.raw(`insert into chat ${columns} select ${fields.join(', ')} from json_each(?)`, [JSON.stringify(rows)])
}

/** The nth most common word: letters; more common words are shorter. */
function wordOf(rank: number): string {
  return `w${rank.toString(36)}`
}

/** Ranks from 0, the nth with a probability proportional to 1 / n. */
function zipf(count: number, random: () => number): () => number {
  const upTo = new Float64Array(count)
  let sum = 0
  for (let rank = 0; rank < count; rank += 1) {
    sum += 1 / (rank + 1)
    upTo[rank] = sum
  }
  return () => {
    const wanted = random() * sum
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (upTo[middle]! < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** mulberry32: the same numbers on every machine. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
