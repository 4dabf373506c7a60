import { type ChatsFound, type FoundChat, SearchRefused, searchChats, searchCursor } from '@hansard/chat-index'
import {
  decideFor,
  findPoolRoom,
  principalIdsByUri,
  type ReadableRoom,
  type RecordError,
  readableRooms,
} from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { fitting, historyChat } from './open-history.ts'
import { refuseByRule, refuseUnrecorded, refuseUnsettled } from './refusals.ts'
import { searchOnRecord } from './search-on-record.ts'

type Deps = Pick<ChannelServiceDeps, 'db' | 'writer' | 'rooms' | 'configuration'>

const PAGE_DEFAULT = 100
/** How often the rights of a room may change during one search. */
const TRIES_MAX = 4

/** Searches the rooms that the caller may read. Each read is recorded before its results are sent. */
export async function searchHistory(deps: Deps, session: Session, message: ClientMessageOf<'search'>): Promise<void> {
  const { id, rooms: named, filter, order, after } = message
  const limit = Math.min(message.limit ?? PAGE_DEFAULT, deps.configuration.limits.searchLimit, SEARCH_PAGE_MAX)
  const { words, match, caseSensitive, authors, from, to } = filter
  await auditedRead(deps, session, {
    id,
    named: named && [...new Set(named)],
    query: searchOnRecord(filter),
    async search(rooms) {
      const authorIds = authors && (await principalIdsByUri(deps.db, authors))
      const roomIds = rooms.map((room) => room.id)
      return searchChats(deps.db, { roomIds, words, match, caseSensitive, authorIds, from, to, order, after, limit })
    },
  })
}

/** The query for one page of a search or a feed. */
type AuditedRead = {
  readonly id: number
  /**
   * URIs of the rooms to search, each once; when absent, every room that the caller may read. A room that it may not
   * read is refused.
   */
  readonly named?: readonly string[] | undefined
  /** the query as recorded */
  readonly query: string
  search(rooms: readonly ReadableRoom[]): Promise<ChatsFound>
}

/**
 * Searches, records the read in every room with results, and only then shows the results. A search without results is
 * recorded too: in the rooms that were named, or in the pool's own conversation. If the rights of one of the rooms
 * have changed since it was searched, everything is done again.
 */
export async function auditedRead(
  deps: Deps,
  session: Session,
  { id, named, query, search }: AuditedRead,
): Promise<void> {
  const { db } = deps
  if (session.historyUnderWay) return session.refuse(id, 'too-fast', 'One search or page of history at a time.')
  session.historyUnderWay = true
  try {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const rooms = await readableRooms(db, session.principal!.id, {
        withHistory: true,
        ...(named ? { uris: named } : {}),
      })
      const missing = named && firstMissing(named, rooms)
      if (missing !== undefined) {
        const { decision } = await decideFor(db, 'search-history', { uri: missing }, session.principal!)
        if (!decision.allowed) return refuseByRule(session, id, decision.reason)
        continue
      }
      const found = withinPage(await search(rooms))
      if (session.closed) return
      const byId = new Map(rooms.map((room) => [room.id, room]))
      const seen = found.chats.length > 0 ? new Set(found.chats.map((chat) => byId.get(chat.roomId)!)) : undefined
      const reads = [...(seen ?? (named ? rooms.slice(0, EMPTY_READS_MAX) : []))].map((room) => {
        const ids = found.chats.filter((chat) => chat.roomId === room.id).map((chat) => chat.chatId)
        const [firstChatId, lastChatId] = ids.length > 0 ? [Math.min(...ids), Math.max(...ids)] : [0, 0]
        return { roomId: room.id, rights: room.rights, firstChatId, lastChatId }
      })
      if (reads.length === 0) {
        const { id: roomId, rights } = await findPoolRoom(db)
        reads.push({ roomId, rights, firstChatId: 0, lastChatId: 0 })
      }
      const outcome = await recordReads(deps, session, query, reads)
      if (outcome === 'rights-changed') continue
      if (outcome instanceof Error) return refuseUnrecorded(session, id, outcome)
      const chats = found.chats.map((chat) => {
        const { uri, name } = byId.get(chat.roomId)!
        return { ...historyChat(chat), room: uri, roomName: name }
      })
      const { exceeded, next } = found
      return session.send({ t: 'found', re: id, chats, exceeded, ...(next === undefined ? {} : { next }) })
    }
    refuseUnsettled(session, id)
  } catch (error) {
    if (error instanceof SearchRefused) return refuseSearch(session, id, error)
    throw error
  } finally {
    session.historyUnderWay = false
  }
}

/** Maximum number of rooms in which a search without results is recorded. */
const EMPTY_READS_MAX = 50
const SEARCH_PAGE_MAX = 999
/** Maximum number of rooms on one page, and so of reads that it records. */
const PAGE_ROOMS_MAX = 100

function firstMissing(named: readonly string[], rooms: readonly ReadableRoom[]): string | undefined {
  const readable = new Set(rooms.map((room) => room.uri))
  return named.find((uri) => !readable.has(uri))
}

/** The results that fit into one answer and come from few enough rooms; request the rest with `next`. */
function withinPage(found: ChatsFound): ChatsFound {
  const rooms = new Set<number>()
  const end = found.chats.findIndex((chat) => rooms.add(chat.roomId).size > PAGE_ROOMS_MAX)
  const chats: readonly FoundChat[] = fitting(end === -1 ? found.chats : found.chats.slice(0, end))
  if (chats.length === found.chats.length) return found
  return { chats, exceeded: true, next: searchCursor(chats.at(-1)!) }
}

type Recorded = { roomId: number; rights: number; firstChatId: number; lastChatId: number }

/**
 * All reads of one search are committed under the rights by which they were decided; otherwise the search is
 * repeated.
 */
async function recordReads(
  { writer }: Deps,
  session: Session,
  query: string,
  reads: readonly Recorded[],
): Promise<'recorded' | 'rights-changed' | RecordError> {
  const outcomes = await Promise.all(
    reads.map((read) => writer.record({ kind: 'backchat', principal: session.principal!, query, ...read })),
  )
  const failed = outcomes.find((outcome) => outcome instanceof Error)
  if (failed) return failed as RecordError
  return outcomes.every((outcome) => 'kind' in outcome && outcome.kind === 'backchat') ? 'recorded' : 'rights-changed'
}

function refuseSearch(session: Session, id: number, error: SearchRefused): void {
  if (error.code === 'index-behind') return session.refuse(id, 'try-again', error.message)
  session.refuse(id, 'invalid', error.message)
}
