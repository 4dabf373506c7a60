import { type ChatQuery, chatQuery, matches, QueryRefused, type WordMatch } from '@hansard/chat-text'
import type { Database } from '@hansard/sql'
import { type Chat, type ChatRow, chatOf } from './chats.ts'
import type { Place } from './search-block.ts'
import { indexCandidates, type Wanted } from './search-candidates.ts'
import { beforeTime, decodeCursor, encodeCursor, inOrder, type SearchOrder, type Standing } from './search-order.ts'
import { type Bound, type ChatRange, chatsAt, chatsInRanges, rowsOf } from './search-rows.ts'
import { roomTails } from './search-tail.ts'

export type ChatSearch = {
  /** the rooms the asker may search; nothing of any other room is ever answered */
  readonly roomIds: readonly number[]
  /** what was typed; without it every chat will do. Text without a single word finds nothing. */
  readonly words?: string | undefined
  readonly match: WordMatch
  readonly caseSensitive: boolean
  readonly authorIds?: readonly number[] | undefined
  /** posted_at in milliseconds, both included */
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly order: SearchOrder
  /** `next` of the page before */
  readonly after?: string | undefined
  /** 1 to 999 */
  readonly limit?: number | undefined
}
export type FoundChat = Chat & { readonly roomId: number }
export type ChatsFound = {
  readonly chats: readonly FoundChat[]
  /** There may be more: `next` goes on. A page may hold fewer than the limit, even none, when matches are far apart. */
  readonly exceeded: boolean
  readonly next?: string
}

/**
 * Searches rooms for chats, in the order of time. What is being posted, replaced or purged meanwhile may or may not be
 * in the answer; everything else is, whether the index has it already or not. Throws `SearchRefused`.
 *
 * The index proposes, the chat decides: each candidate is read and compared, so nothing is found by what it no longer
 * says. That is done in bounded steps between which others use the database.
 */
export async function searchChats(db: Database, search: ChatSearch): Promise<ChatsFound> {
  const { limit, wanted } = read(search)
  if (wanted.rooms.size === 0 || wanted.authors?.size === 0 || wanted.query?.terms.length === 0) {
    return { chats: [], exceeded: false }
  }
  const compare = inOrder(wanted.order)
  // Before the index: what the indexer brings in between is then seen twice rather than never.
  const unindexed = (await searchUnindexed(db, wanted)).sort(compare)
  const found: FoundChat[] = []
  const seen = new Set<string>()
  const put = (chat: FoundChat) => {
    const key = `${chat.roomId} ${chat.chatId}`
    if (!seen.has(key)) found.push(chat)
    seen.add(key)
  }
  const putBatch = (chats: FoundChat[], through: Standing | undefined) => {
    const end = through ? unindexed.findIndex((chat) => compare(chat, through) > 0) : -1
    const between = unindexed.splice(0, end === -1 ? unindexed.length : end)
    for (const chat of [...chats, ...between].sort(compare)) put(chat)
  }
  const page = (next: Standing | undefined): ChatsFound => {
    if (found.length > limit) {
      const chats = found.slice(0, limit)
      return { chats, exceeded: true, next: encodeCursor(chats[limit - 1] as FoundChat & Standing) }
    }
    return next ? { chats: found, exceeded: true, next: encodeCursor(next) } : { chats: found, exceeded: false }
  }

  let compared = 0
  let blocks = 0
  // As many as are wanted at first; more at a time where few of them are it.
  let size = Math.max(limit + 1, BATCH_MIN)
  for await (const step of indexCandidates(db, wanted)) {
    for (let at = 0; at < step.candidates.length; ) {
      const batch = step.candidates.slice(at, at + Math.min(size, BATCH_MAX))
      size *= 2
      putBatch(await compareChats(db, wanted, batch), batch.at(-1))
      at += batch.length
      compared += batch.length
      if (found.length > limit) return page(undefined)
      if (compared >= COMPARED_MAX) return page(batch.at(-1))
    }
    blocks += step.blocks
    if (blocks >= BLOCKS_MAX) {
      const reached = beforeTime(wanted.order, step.reached)
      putBatch([], reached)
      return page(reached)
    }
  }
  putBatch([], undefined)
  return page(undefined)
}

function read(search: ChatSearch): { limit: number; wanted: Wanted } {
  const { roomIds, words, match, caseSensitive, authorIds, order, after, limit = 100 } = search
  const { from = Number.MIN_SAFE_INTEGER, to = Number.MAX_SAFE_INTEGER } = search
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    throw new SearchRefused('bad-limit', `A search answers 1 to ${LIMIT_MAX} chats at a time.`)
  }
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) {
    throw new SearchRefused('bad-dates', 'The dates of a search are whole milliseconds since 1970.')
  }
  const standing = after === undefined ? undefined : decodeCursor(after)
  if (after !== undefined && !standing) {
    throw new SearchRefused('bad-cursor', 'This is no place in the results of a search: begin again without it.')
  }
  const authors = authorIds && new Set(authorIds.filter(isId))
  const wanted = { rooms: new Set(roomIds.filter(isId)), authors, query: undefined, from, to, order, after: standing }
  if (words === undefined) return { limit, wanted }
  try {
    return { limit, wanted: { ...wanted, query: chatQuery({ words, match, caseSensitive }) } }
  } catch (error) {
    if (error instanceof QueryRefused) throw new SearchRefused(error.code, error.message)
    throw error
  }
}

// A number beyond a column's range is nobody's id, and an error to PostgreSQL.
const isId = (id: number) => Number.isInteger(id) && id > 0 && id <= 0x7fffffff

/** Those of the chats at `places` that are, as they are now, what is wanted. */
function compareChats(db: Database, wanted: Wanted, places: readonly Place[]): Promise<FoundChat[]> {
  return select(db, wanted, chatsAt(db.dialect, places))
}

/** What is wanted among the chats that the index does not have, or not as they are now. */
async function searchUnindexed(db: Database, wanted: Wanted): Promise<FoundChat[]> {
  const rooms = [...wanted.rooms]
  const tails = await roomTails(db, rooms)
  const waiting = tails.reduce((count, tail) => count + tail.through - tail.after, 0)
  if (waiting > UNINDEXED_MAX) {
    throw new SearchRefused(
      'index-behind',
      `The search index is being built: ${waiting} chats of these rooms are to come. Try again in a minute.`,
    )
  }
  const found = new Map<string, FoundChat>()
  const put = (chats: FoundChat[]) => {
    for (const chat of chats) found.set(`${chat.roomId} ${chat.chatId}`, chat)
  }
  for (const ranges of portions(tails, PORTION)) put(await select(db, wanted, chatsInRanges(db.dialect, ranges)))

  const changed: { roomId: number; chatId: number }[] = await db
    .knex('search_again')
    .where({ gone: false })
    .select('room_id as roomId', 'chat_id as chatId')
  const mine = changed.filter((chat) => wanted.rooms.has(chat.roomId))
  for (let from = 0; from < mine.length; from += PORTION) {
    put(await compareChats(db, wanted, mine.slice(from, from + PORTION) as Place[]))
  }
  return [...found.values()]
}

/** The ranges, cut and put together so that each portion has at most `size` chats. */
function* portions(ranges: readonly ChatRange[], size: number): Generator<ChatRange[]> {
  let portion: ChatRange[] = []
  let room = size
  for (const range of ranges) {
    for (let after = range.after; after < range.through; ) {
      const through = Math.min(range.through, after + room)
      portion.push({ roomId: range.roomId, after, through })
      room -= through - after
      after = through
      if (room > 0) continue
      yield portion
      portion = []
      room = size
    }
  }
  if (portion.length > 0) yield portion
}

async function select(db: Database, wanted: Wanted, chats: Bound): Promise<FoundChat[]> {
  const rows = await rowsOf<ChatRow & { room_id: number; principal_id: number }>(
    db.knex,
    `select chat.room_id, chat.chat_id, chat.posted_at, chat.principal_id, chat.content, chat.title,
            chat.alert, chat.state,
            principal.uri, principal.display_name
     from ${chats.sql} join principal on principal.id = chat.principal_id
     where chat.state <> 'purged' and not chat.unlogged and chat.posted_at between ? and ?`,
    [...chats.values, wanted.from, wanted.to],
  )
  const compare = inOrder(wanted.order)
  return rows
    .filter((row) => wanted.rooms.has(row.room_id) && wanted.authors?.has(row.principal_id) !== false)
    .map((row) => ({ roomId: row.room_id, ...chatOf(row) }))
    .filter((chat) => !wanted.after || compare(chat, wanted.after) > 0)
    .filter((chat) => says(wanted.query, chat))
}

const says = (query: ChatQuery | undefined, chat: FoundChat) => !query || matches(query, chat)

/** The search cannot be done as asked; the message says why, to the person who asked. */
export class SearchRefused extends Error {
  override name = 'SearchRefused'
  readonly code: QueryRefused['code'] | 'bad-limit' | 'bad-dates' | 'bad-cursor' | 'index-behind'
  constructor(code: SearchRefused['code'], message: string) {
    super(message)
    this.code = code
  }
}

const LIMIT_MAX = 999
/** Chats read and compared for one page, and in one statement. */
const COMPARED_MAX = 5_000
const BATCH_MIN = 64
const BATCH_MAX = 500
/** Blocks of the index looked at for one page: 16 million chats' worth. */
const BLOCKS_MAX = 16_384
/** Chats outside the index that a search reads rather than be refused; and in one statement. */
const UNINDEXED_MAX = 50_000
const PORTION = 1_000
