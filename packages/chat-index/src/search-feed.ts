import { type FeedFilter, feedWords } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import type { ChatsFound, FoundChat } from './found-chats.ts'
import { decodeCursor, encodeCursor, inOrder, type SearchPosition } from './order.ts'
import { searchChats } from './search-chats.ts'

type FeedSearch = {
  /** the rooms the feed's owner may search */
  readonly roomIds: readonly number[]
  readonly filter: FeedFilter
  readonly owner: { readonly name: string; readonly account: string }
  /** the filter's authors that exist */
  readonly authorIds: readonly number[]
  readonly after?: string | undefined
  readonly limit: number
}

/** A page of a feed's matches, newest first. Throws `SearchRefused`. */
export async function searchFeed(db: Database, search: FeedSearch): Promise<ChatsFound> {
  const { roomIds, filter, owner, authorIds, after, limit } = search
  const words = feedWords(filter, owner)
  const common = {
    roomIds,
    match: 'any',
    caseSensitive: false,
    lookAlikes: true,
    order: 'newest',
    after,
    limit,
  } as const
  const found: ChatsFound[] = []
  if (words !== '') found.push(await searchChats(db, { ...common, words }))
  if (authorIds.length > 0) found.push(await searchChats(db, { ...common, authorIds }))
  return found.length === 1 ? found[0]! : merge(found, limit)
}

const newestFirst = inOrder('newest')

/** Two searches started at one position and may have stopped at different ones: merge them up to the earlier stop. */
function merge(pages: readonly ChatsFound[], limit: number): ChatsFound {
  const stops = pages.filter((page) => page.exceeded).map((page) => decodeCursor(page.next!)!)
  const stop = stops.sort(newestFirst)[0]
  const all = new Map<string, FoundChat>()
  for (const chat of pages.flatMap((page) => page.chats)) {
    if (!stop || newestFirst(chat as SearchPosition, stop) <= 0) all.set(`${chat.roomId} ${chat.chatId}`, chat)
  }
  const sorted = [...all.values()].sort(newestFirst)
  const chats = sorted.slice(0, limit)
  if (sorted.length > limit) return { chats, exceeded: true, next: encodeCursor(chats.at(-1)!) }
  return stop ? { chats, exceeded: true, next: encodeCursor(stop) } : { chats, exceeded: false }
}
