import { chatQuery, QueryRefused, type WordMatch } from '@hansard/chat-text'
import type { Database } from '@hansard/sql'
import { indexCandidates, type Wanted } from './candidates.ts'
import { compareChats } from './compare.ts'
import type { ChatsFound, FoundChat } from './found-chats.ts'
import { beforeTime, decodeCursor, encodeCursor, inOrder, type SearchOrder, type SearchPosition } from './order.ts'
import { chatsAt } from './rows.ts'
import { SearchRefused } from './search-refused.ts'
import { searchUnindexed } from './unindexed.ts'

export type ChatSearch = {
  /** the rooms the caller may search; nothing of any other room is ever returned */
  readonly roomIds: readonly number[]
  /** the typed query; without it every chat matches. A query without a single word matches nothing. */
  readonly words?: string | undefined
  readonly match: WordMatch
  readonly caseSensitive: boolean
  /** words that only look like those that were typed match too */
  readonly lookAlikes?: boolean
  readonly authorIds?: readonly number[] | undefined
  /** posted_at in milliseconds, both included */
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly order: SearchOrder
  /** `next` of the previous page */
  readonly after?: string | undefined
  /** 1 to 999 */
  readonly limit?: number | undefined
}

/**
 * Searches rooms for chats, in the order of time. A chat posted, replaced or purged during the search may or may not
 * be included; every other match is, indexed or not. Throws `SearchRefused`.
 *
 * The index proposes candidates and each one is read and compared, so no chat is found by text it no longer has. The
 * work is done in bounded steps between which others use the database.
 */
export async function searchChats(db: Database, search: ChatSearch): Promise<ChatsFound> {
  const { limit, wanted } = read(search)
  if (wanted.rooms.size === 0 || wanted.authors?.size === 0 || wanted.query?.terms.length === 0) {
    return { chats: [], exceeded: false }
  }
  const compare = inOrder(wanted.order)
  // Read before the index: a chat that is indexed in between is then seen twice rather than never.
  const { chats: unindexed, end } = await searchUnindexed(db, wanted, {
    chats: limit + 1,
    characters: PAGE_CHARACTERS_MAX,
  })
  const found: FoundChat[] = []
  const seen = new Set<string>()
  let characters = 0
  const put = (chat: FoundChat) => {
    const key = `${chat.roomId} ${chat.chatId}`
    if (seen.has(key)) return
    seen.add(key)
    found.push(chat)
    characters += chat.text.length
  }
  /** Adds what was found up to `through`, or all the rest, and returns the page if it ends there. */
  const putBatch = (chats: readonly FoundChat[], through: SearchPosition | undefined): ChatsFound | undefined => {
    const ends = end !== undefined && (!through || compare(through, end) >= 0)
    const last = ends ? end : through
    const beyond = (chat: FoundChat) => last !== undefined && compare(chat, last) > 0
    const until = unindexed.findIndex(beyond)
    const between = unindexed.splice(0, until === -1 ? unindexed.length : until)
    for (const chat of [...chats.filter((chat) => !beyond(chat)), ...between].sort(compare)) put(chat)
    if (found.length > limit) {
      const page = found.slice(0, limit)
      return { chats: page, exceeded: true, next: encodeCursor(page.at(-1) as FoundChat & SearchPosition) }
    }
    return ends ? upTo(end) : undefined
  }
  const upTo = (place: SearchPosition): ChatsFound => ({ chats: found, exceeded: true, next: encodeCursor(place) })

  let compared = 0
  let bytes = 0
  let blocks = 0
  // Starts with the number wanted; reads more per step when few candidates match.
  let size = Math.max(limit + 1, BATCH_MIN)
  for await (const step of indexCandidates(db, wanted)) {
    for (let at = 0; at < step.candidates.length; ) {
      const batch = step.candidates.slice(at, at + Math.min(size, BATCH_MAX))
      size *= 2
      const limits = { bytes: COMPARED_BYTES_MAX - bytes, characters: PAGE_CHARACTERS_MAX - characters }
      const more = await compareChats(db, wanted, chatsAt(db.dialect, batch), limits)
      const reached = more.through ?? batch.at(-1)!
      const page = putBatch(more.chats, reached)
      if (page) return page
      at += batch.length
      compared += batch.length
      bytes += more.bytes
      if (more.through || compared >= COMPARED_MAX || bytes >= COMPARED_BYTES_MAX) return upTo(reached)
      if (characters >= PAGE_CHARACTERS_MAX) return upTo(reached)
    }
    blocks += step.blocks
    if (blocks >= BLOCKS_MAX) {
      const reached = beforeTime(wanted.order, step.reached)
      return putBatch([], reached) ?? upTo(reached)
    }
  }
  return putBatch([], undefined) ?? { chats: found, exceeded: false }
}

function read(search: ChatSearch): { limit: number; wanted: Wanted } {
  const { roomIds, words, match, caseSensitive, lookAlikes = false, authorIds, order, after, limit = 100 } = search
  const { from = Number.MIN_SAFE_INTEGER, to = Number.MAX_SAFE_INTEGER } = search
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    throw new SearchRefused('bad-limit', `The limit of a search must be 1 to ${LIMIT_MAX}.`)
  }
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) {
    throw new SearchRefused('bad-dates', 'The dates of a search must be whole milliseconds since 1970.')
  }
  const position = after === undefined ? undefined : decodeCursor(after)
  if (after !== undefined && !position) {
    throw new SearchRefused('bad-cursor', 'The cursor is not valid: start again without it.')
  }
  const authors = authorIds && new Set(authorIds.filter(isId))
  const wanted = { rooms: new Set(roomIds.filter(isId)), authors, query: undefined, from, to, order, after: position }
  if (words === undefined) return { limit, wanted }
  try {
    return { limit, wanted: { ...wanted, query: chatQuery({ words, match, caseSensitive, lookAlikes }) } }
  } catch (error) {
    if (error instanceof QueryRefused) throw new SearchRefused(error.code, error.message)
    throw error
  }
}

// A number outside the column's range is no id, and PostgreSQL reports an error for it.
const isId = (id: number) => Number.isInteger(id) && id > 0 && id <= 0x7fffffff

const LIMIT_MAX = 999
/** chats read and compared per page, and per statement */
const COMPARED_MAX = 5_000
const BATCH_MIN = 64
const BATCH_MAX = 500
/** bytes of chats read and compared per page: 5,000 typical chats have a tenth of it */
const COMPARED_BYTES_MAX = 8 * 1_024 * 1_024
/** characters per page */
const PAGE_CHARACTERS_MAX = 1_024 * 1_024
/** index blocks read per page: enough for 16 million chats */
const BLOCKS_MAX = 16_384
