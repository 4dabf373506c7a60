import { type ChatQuery, matcherOf, wordsOf } from '@hansard/chat-text'
import { type Feed, feedsOf, readFeed } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import type { RoomHub } from './room-hub.ts'
import type { Session } from './session.ts'

/** A chat as feeds look at it. */
export type FeedChat = {
  readonly from: { readonly uri: string }
  readonly text: string
  readonly title?: string | undefined
}

/** Which feeds of its members let a chat of a room through. */
export type LiveFeeds = {
  /**
   * The names of the feeds that let the chat through, of those members that have any; undefined when there are none. `read`
   * is called only when somebody here has feeds at all.
   */
  matching(hub: RoomHub, read: () => FeedChat): ReadonlyMap<Session, readonly string[]> | undefined
  /** The feeds of one session that let the chat through. */
  matchingFor(session: Session, read: () => FeedChat): readonly string[]
}

/** Those signed in to this service, by principal id. */
export type People = ReadonlyMap<number, ReadonlySet<Session>>

type LiveFeed = {
  readonly principalId: number
  readonly name: string
  readonly authors: ReadonlySet<string>
  readonly query: ChatQuery | undefined
}
type Shelf = Map<string, Map<number, LiveFeed[]>>

/**
 * The feeds of everybody who is signed in here, by what they look for.
 *
 * A chat asks only the feeds that begin with one of its words, or name its author, and of these only the members' own: so
 * a chat costs those who have no feeds nothing, and feeds cost by what they find and not by how many there are.
 */
export function createLiveFeeds({ db, people }: { db: Database; people: People }) {
  const byPrincipal = new Map<number, readonly LiveFeed[]>()
  const byWord: Shelf = new Map()
  const byAuthor: Shelf = new Map()
  const readings = new Map<number, Promise<void>>()

  const take = (principalId: number, feeds: readonly Feed[]) => {
    const [session] = people.get(principalId) ?? []
    const owner = session?.principal
    for (const feed of byPrincipal.get(principalId) ?? []) shelve(feed, remove)
    byPrincipal.delete(principalId)
    if (!owner || feeds.length === 0) return
    const live = feeds.map(({ name, filter }): LiveFeed => {
      return { principalId, name, authors: new Set(filter.authors), query: readFeed(filter, owner) }
    })
    byPrincipal.set(principalId, live)
    for (const feed of live) shelve(feed, add)
  }

  const shelve = (feed: LiveFeed, how: typeof add) => {
    for (const author of feed.authors) how(byAuthor, author, feed)
    for (const word of new Set(feed.query?.terms.map((term) => term[0]!))) how(byWord, word, feed)
  }

  /** One reading after the other: the last one to begin has seen every change. */
  const load = (principalId: number): Promise<void> => {
    const reading = (readings.get(principalId) ?? Promise.resolve())
      .then(async () => take(principalId, (await feedsOf(db, [principalId])).get(principalId) ?? []))
      .finally(() => {
        if (readings.get(principalId) === settled) readings.delete(principalId)
      })
    // What waits for it must begin even if it fails.
    const settled = reading.catch(() => {})
    readings.set(principalId, settled)
    return reading
  }

  const find = (hub: RoomHub, chat: FeedChat): Map<Session, string[]> | undefined => {
    let found: Map<Session, string[]> | undefined
    const seen = new Set<LiveFeed>()
    const matches = matcherOf(chat)
    const ask = (feed: LiveFeed) => {
      if (seen.has(feed)) return
      seen.add(feed)
      if (!letsThrough(feed, chat, matches)) return
      for (const session of people.get(feed.principalId) ?? []) {
        if (!hub.members.has(session)) continue
        found ??= new Map()
        const names = found.get(session)
        if (names) names.push(feed.name)
        else found.set(session, [feed.name])
      }
    }
    for (const owners of shelvesOf(chat)) {
      if (owners.size <= hub.members.size) {
        for (const [principalId, feeds] of owners) if (isHere(hub, principalId)) for (const feed of feeds) ask(feed)
      } else {
        for (const { principal } of hub.members.keys()) for (const feed of owners.get(principal!.id) ?? []) ask(feed)
      }
    }
    return found
  }

  const isHere = (hub: RoomHub, principalId: number) => {
    for (const session of people.get(principalId) ?? []) if (hub.members.has(session)) return true
    return false
  }

  function* shelvesOf(chat: FeedChat) {
    const authored = byAuthor.get(chat.from.uri)
    if (authored) yield authored
    if (byWord.size === 0) return
    for (const word of new Set([...wordsOf(chat.text), ...wordsOf(chat.title ?? '')])) {
      const owners = byWord.get(word)
      if (owners) yield owners
    }
  }

  return {
    matching: (hub: RoomHub, read: () => FeedChat) => (byPrincipal.size === 0 ? undefined : find(hub, read())),
    matchingFor(session: Session, read: () => FeedChat) {
      const feeds = byPrincipal.get(session.principal!.id)
      if (!feeds) return []
      const chat = read()
      const matches = matcherOf(chat)
      return feeds.filter((feed) => letsThrough(feed, chat, matches)).map((feed) => feed.name)
    },
    /** Reads somebody's feeds, or reads them again. */
    load,
    /** Nobody of this name is signed in here any more. */
    forget: (principalId: number) => take(principalId, []),
    /** Reads everybody's again. */
    async reload() {
      const ids = [...people.keys()].filter((id) => !readings.has(id))
      for (let from = 0; from < ids.length; from += BATCH) {
        const batch = ids.slice(from, from + BATCH)
        const reading = feedsOf(db, batch)
        // Whoever's are read on their own in the meantime has newer ones.
        const settled = reading.then(
          (found) => {
            for (const id of batch) if (readings.get(id) === settled) take(id, found.get(id) ?? [])
          },
          () => {},
        )
        for (const id of batch) if (!readings.has(id)) readings.set(id, settled)
        await settled
        for (const id of batch) if (readings.get(id) === settled) readings.delete(id)
        await reading
      }
    },
  } satisfies LiveFeeds & Record<string, unknown>
}

function letsThrough(feed: LiveFeed, chat: FeedChat, matches: (query: ChatQuery) => boolean): boolean {
  return feed.authors.has(chat.from.uri) || (feed.query !== undefined && matches(feed.query))
}

function add(shelf: Shelf, key: string, feed: LiveFeed): void {
  const owners = shelf.get(key) ?? new Map<number, LiveFeed[]>()
  shelf.set(key, owners)
  const feeds = owners.get(feed.principalId)
  if (feeds) feeds.push(feed)
  else owners.set(feed.principalId, [feed])
}

function remove(shelf: Shelf, key: string, feed: LiveFeed): void {
  const owners = shelf.get(key)
  const feeds = owners?.get(feed.principalId)?.filter((other) => other !== feed)
  if (!owners || !feeds) return
  if (feeds.length > 0) owners.set(feed.principalId, feeds)
  else owners.delete(feed.principalId)
  if (owners.size === 0) shelf.delete(key)
}

const BATCH = 400
