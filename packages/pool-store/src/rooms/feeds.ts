import { type ChatQuery, chatQuery, exactWordsOf } from '@hansard/chat-text'
import { type Database, keyedRead } from '@hansard/sql'
import { isText } from '../lists/readable-rooms.ts'
import { lockPrincipal } from './followed-rooms.ts'

/** A feed's filter: it matches chats with any of the words or by any of the authors. */
export type FeedFilter = {
  /** an entry of several words matches where they are adjacent */
  readonly words: readonly string[]
  /** URIs */
  readonly authors: readonly string[]
  /** the ego feed: the user's own name and account are among the words */
  readonly ego: boolean
}
export type Feed = { readonly name: string; readonly filter: FeedFilter }
type Owner = { readonly name: string; readonly account: string }

export const FEEDS_MAX = 50

/** The feeds of each of these principals, by name; principals without feeds are omitted. */
export async function feedsOf(db: Database, principalIds: readonly number[]): Promise<Map<number, Feed[]>> {
  const found = new Map<number, Feed[]>()
  for (let from = 0; from < principalIds.length; from += BATCH) {
    for (const { principal_id: id, name, filter } of await readFeeds(db, principalIds.slice(from, from + BATCH))) {
      const feed = { name, filter: JSON.parse(filter) as FeedFilter }
      const feeds = found.get(id)
      if (feeds) feeds.push(feed)
      else found.set(id, [feed])
    }
  }
  return found
}

const readFeeds = keyedRead<number, { principal_id: number; name: string; filter: string }>({
  name: 'feeds',
  keys: 'int',
  text: 'select principal_id, name, filter from feed where principal_id in (:keys) order by principal_id, name',
})

export async function findFeed(
  db: Database,
  { principalId, name }: { principalId: number; name: string },
): Promise<Feed | undefined> {
  return (await feedsOf(db, [principalId])).get(principalId)?.find((feed) => feed.name === name)
}

/** Creates a feed, or replaces the one of that name. The caller has checked name and filter (`feedProblem`). */
export async function putFeed(
  db: Database,
  { principalId, name, filter }: Feed & { principalId: number },
): Promise<'put' | 'limit-exceeded'> {
  return db.knex.transaction(async (tx) => {
    await lockPrincipal(db, tx, principalId)
    const rows: { name: string }[] = await tx('feed').where({ principal_id: principalId }).select('name')
    if (rows.length >= FEEDS_MAX && !rows.some((row) => row.name === name)) return 'limit-exceeded'
    await tx('feed')
      .insert({ principal_id: principalId, name, filter: JSON.stringify(filter) })
      .onConflict(['principal_id', 'name'])
      .merge(['filter'])
    return 'put'
  })
}

/** False when there is no such feed. */
export async function deleteFeed(
  db: Database,
  { principalId, name }: { principalId: number; name: string },
): Promise<boolean> {
  if (!isText(name)) return false
  return (await db.knex('feed').where({ principal_id: principalId, name }).delete()) > 0
}

/** Why a filter is invalid, or undefined when it is valid. */
export function feedProblem(filter: FeedFilter): string | undefined {
  if (filter.words.length + filter.authors.length === 0 && !filter.ego) {
    return 'A feed needs words or authors to look for, or `ego`.'
  }
  if (filter.words.some((entry) => exactWordsOf(entry).length === 0)) {
    return 'Each entry of `words` must hold a letter or a digit.'
  }
  if (filter.authors.length > AUTHORS_MAX) return `A feed may name ${AUTHORS_MAX} authors.`
  const words = filter.words.flatMap(exactWordsOf)
  if (words.length > WORDS_MAX || words.join(' ').length > LENGTH_MAX) {
    return `A feed may look for ${WORDS_MAX} words of ${LENGTH_MAX} characters in all.`
  }
  return undefined
}

/**
 * The words a feed searches for, prepared for matching; undefined when there are none. Look-alikes match too:
 * supervisors watch for words with feeds, and one Cyrillic letter must not hide them.
 */
export function readFeed(filter: FeedFilter, owner: Owner): ChatQuery | undefined {
  const text = feedWords(filter, owner)
  return text === '' ? undefined : chatQuery({ words: text, match: 'any', caseSensitive: false, lookAlikes: true })
}

/** The same as a query that a user would type. */
export function feedWords(filter: FeedFilter, owner: Owner): string {
  // Words joined without a space match only when adjacent.
  const sequence = (words: readonly string[]) => words.join('-')
  const named = (name: string) => sequence(exactWordsOf(name).slice(0, NAME_WORDS_MAX)).slice(0, NAME_LENGTH_MAX)
  const ego = filter.ego ? [named(owner.name), named(owner.account)] : []
  return [...filter.words.map((entry) => sequence(exactWordsOf(entry))), ...ego]
    .filter((entry) => entry !== '')
    .join(' ')
}

/** The longest valid query: 64 words of 2,000 characters, and a long name of the user's own. */
const WORDS_MAX = 48
const LENGTH_MAX = 1_200
const AUTHORS_MAX = 50
const NAME_WORDS_MAX = 8
const NAME_LENGTH_MAX = 256
const BATCH = 400
