import { type ChatQuery, matcherOf, skeletonsOf } from '@hansard/chat-text'
import { createTaskQueue } from '@hansard/lifecycle'
import { type Feed, feedsOf, readFeed } from '@hansard/pool-store'
import { type Database, gathered } from '@hansard/sql'
import type { Session } from '../delivery/session.ts'

/** A chat as feeds compare it. */
export type FeedChat = {
  readonly from: { readonly uri: string }
  readonly text: string
  readonly title?: string | undefined
}

/** Finds which feeds of a room's members match a chat. */
export type LiveFeeds = {
  /**
   * Calls `tell` with the names of the feeds that match the chat, for each member that has any. It does so later, in
   * the order of the calls, because long feeds and stories take time to compare. `read` is called only if a session
   * here has feeds.
   */
  tellMatching(room: RoomMembers, chat: ToCompare, tell: (session: Session, feeds: readonly string[]) => void): void
  /** The feeds of one session that match the chat; undefined when it has none. */
  matchingFor(session: Session, read: () => FeedChat): Promise<readonly string[]> | undefined
}

type ToCompare = { readonly read: () => FeedChat; readonly bytes: number }

/** The sessions in a room. */
type RoomMembers = { readonly members: ReadonlyMap<Session, unknown> }

/** The sessions signed in to this service, by principal id. */
type People = ReadonlyMap<number, ReadonlySet<Session>>

type LiveFeed = {
  readonly principalId: number
  readonly name: string
  readonly authors: ReadonlySet<string>
  readonly query: ChatQuery | undefined
  /** maximum passes over the words of a chat */
  readonly passes: number
}
type Shelf = Map<string, Map<number, LiveFeed[]>>

/**
 * The feeds of all users who are signed in here, indexed by first word and author.
 *
 * A chat is compared only with feeds of members that begin with one of its words or name its author. So a chat costs
 * nothing for members without feeds, and the cost grows with the number of matches, not of feeds.
 */
export function createLiveFeeds({
  db,
  people,
  onError,
}: {
  db: Database
  people: People
  onError: (error: unknown) => void
}) {
  const tasks = createTaskQueue({ perTick: WORDS_PER_TURN, onError })
  let waitingBytes = 0
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
      const query = readFeed(filter, owner)
      const passes = Math.max(1, query?.terms.filter((term) => term.length > 1).length ?? 0)
      return { principalId, name, authors: new Set(filter.authors), query, passes }
    })
    byPrincipal.set(principalId, live)
    for (const feed of live) shelve(feed, add)
  }

  const shelve = (feed: LiveFeed, how: typeof add) => {
    for (const author of feed.authors) how(byAuthor, author, feed)
    for (const word of new Set(feed.query?.terms.map((term) => term[0]!))) how(byWord, word, feed)
  }

  /** Readings run one after another, so the last one has seen every change. */
  const load = (principalId: number): Promise<void> => {
    const reading = (readings.get(principalId) ?? Promise.resolve())
      .then(async () => take(principalId, (await feedsOfOne(db, principalId)) ?? []))
      .finally(() => {
        if (readings.get(principalId) === settled) readings.delete(principalId)
      })
    // Start the next reading even if this one fails.
    const settled = reading.catch(() => {})
    readings.set(principalId, settled)
    return reading
  }

  /** Yields the number of words compared, or an equivalent. */
  function* find(room: RoomMembers, chat: FeedChat): Generator<number, Map<Session, string[]>> {
    const found = new Map<Session, string[]>()
    const seen = new Set<LiveFeed>()
    const matches = matcherOf(chat)
    const words = byWord.size === 0 ? [] : [...skeletonsOf(chat.text), ...skeletonsOf(chat.title ?? '')]
    const put = (feed: LiveFeed) => {
      for (const session of people.get(feed.principalId) ?? []) {
        if (!room.members.has(session)) continue
        const names = found.get(session)
        if (names) names.push(feed.name)
        else found.set(session, [feed.name])
      }
    }
    yield words.length
    for (const owners of shelvesOf(chat, words)) {
      for (const feeds of ownersHere(room, owners)) {
        yield 1
        for (const feed of feeds ?? []) {
          if (seen.has(feed)) continue
          seen.add(feed)
          if (letsThrough(feed, chat, matches)) put(feed)
          yield feed.passes * words.length
        }
      }
    }
    return found
  }

  /** The feeds on a shelf whose owners are in the room: iterates over the smaller of the two sets. */
  function* ownersHere(room: RoomMembers, owners: ReadonlyMap<number, LiveFeed[]>) {
    if (owners.size <= room.members.size) {
      for (const [principalId, feeds] of owners) yield isHere(room, principalId) ? feeds : undefined
    } else {
      for (const { principal } of room.members.keys()) yield owners.get(principal!.id)
    }
  }

  const isHere = (room: RoomMembers, principalId: number) => {
    for (const session of people.get(principalId) ?? []) if (room.members.has(session)) return true
    return false
  }

  function* shelvesOf(chat: FeedChat, words: readonly string[]) {
    const authored = byAuthor.get(chat.from.uri)
    if (authored) yield authored
    for (const word of new Set(words)) {
      const owners = byWord.get(word)
      if (owners) yield owners
    }
  }

  return {
    tellMatching(
      room: RoomMembers,
      { read, bytes }: ToCompare,
      tell: (session: Session, feeds: readonly string[]) => void,
    ) {
      // Matches are best effort: above this limit only opening the feed shows them.
      if (byPrincipal.size === 0 || waitingBytes > WAITING_BYTES_MAX) return
      waitingBytes += bytes
      function* compare() {
        try {
          for (const [session, feeds] of yield* find(room, read())) tell(session, feeds)
        } finally {
          waitingBytes -= bytes
        }
      }
      tasks.add(compare())
    },
    matchingFor(session: Session, read: () => FeedChat) {
      const feeds = byPrincipal.get(session.principal!.id)
      if (!feeds) return undefined
      return new Promise<readonly string[]>((resolve, reject) => {
        function* compare() {
          try {
            const chat = read()
            const matches = matcherOf(chat)
            const found: string[] = []
            for (const feed of feeds!) {
              if (letsThrough(feed, chat, matches)) found.push(feed.name)
              yield feed.passes * (chat.text.length / CHARACTERS_OF_A_WORD)
            }
            resolve(found)
          } catch (error) {
            reject(error)
          }
        }
        tasks.add(compare())
      })
    },
    /** Reads a principal's feeds, or reads them again. */
    load,
    /** The principal has no session here any more. */
    forget: (principalId: number) => take(principalId, []),
    /** Reads all principals' feeds again. */
    async reload() {
      const ids = [...people.keys()].filter((id) => !readings.has(id))
      for (let from = 0; from < ids.length; from += BATCH) {
        const batch = ids.slice(from, from + BATCH)
        const reading = feedsOf(db, batch)
        // A reading for one principal that began in the meantime has newer feeds.
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

/** When many users sign in at once, few statements read the feeds of all. */
const feedsOfOne = gathered(feedsOf)

const BATCH = 400
/** About a millisecond's work. */
const WORDS_PER_TURN = 100_000
const CHARACTERS_OF_A_WORD = 4
/** Maximum size in bytes of the chats that wait to be compared. */
const WAITING_BYTES_MAX = 16 * 1_024 * 1_024
