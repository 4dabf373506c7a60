import { matches } from '@hansard/chat-text'
import { yieldAfter } from '@hansard/lifecycle'
import { type ChatRow, chatOf } from '@hansard/pool-store'
import { type Bound, type Database, rowsOf } from '@hansard/sql'
import type { Wanted } from './candidates.ts'
import type { FoundChat } from './found-chats.ts'
import { inOrder, type SearchPosition } from './order.ts'
import { CHAT_BYTES, CONTENT_IF_SHORT, chatsAt, PORTION_BYTES, portionsOf } from './rows.ts'

/** Result of a comparison. */
export type Compared = {
  /** in order */
  readonly chats: readonly FoundChat[]
  /** bytes read */
  readonly bytes: number
  /** Matches beyond this place were not collected: search again from here. */
  readonly through?: SearchPosition
}

/** Limits of a comparison. */
export type CompareLimits = {
  /** stops after this many bytes read */
  readonly bytes: number
  /** stops after this many characters found */
  readonly characters: number
  /** chats beyond this place are not needed */
  readonly last?: SearchPosition | undefined
}

type Row = ChatRow & { room_id: number; principal_id: number; bytes: number }
type Located = { readonly roomId: number; readonly chatId: number; readonly bytes: number }

/**
 * Compares the chats of `chats` with the query, in the query's order, as they are now.
 *
 * Long texts are read a few at a time, with yields to the event loop between them: the authors of the texts, not the
 * searcher, determine the cost of a search.
 */
export async function compareChats(
  db: Database,
  wanted: Wanted,
  chats: Bound,
  limits: CompareLimits,
): Promise<Compared> {
  const compare = inOrder(wanted.order)
  const rows: (SearchPosition & { readonly row: Row; readonly bytes: number })[] = []
  for (const row of await select(db, wanted, chats, CONTENT_IF_SHORT)) {
    if (!wanted.rooms.has(row.room_id) || wanted.authors?.has(row.principal_id) === false) continue
    const { room_id: roomId, chat_id: chatId, posted_at: postedAt, bytes } = row
    const chat = { roomId, chatId, postedAt, bytes, row }
    if (wanted.after && compare(chat, wanted.after) <= 0) continue
    if (!limits.last || compare(chat, limits.last) <= 0) rows.push(chat)
  }
  rows.sort(compare)
  const long = portionsOf(
    rows.filter(({ row }) => row.content === null),
    { count: LONG_AT_ONCE, bytes: PORTION_BYTES },
  )
  const yieldToEventLoop = yieldAfter(BYTES_PER_TURN)
  let texts = new Map<string, Row>()
  const found: FoundChat[] = []
  let bytes = 0
  let characters = 0
  for (const [index, chat] of rows.entries()) {
    const { row } = chat
    let whole: Row | undefined = row
    if (row.content === null) {
      if (texts.size === 0) texts = await readWhole(db, wanted, long.next().value!)
      whole = texts.get(nameOf(chat))
      texts.delete(nameOf(chat))
    }
    bytes += chat.bytes
    const turn = yieldToEventLoop(chat.bytes + BYTES_OF_A_CHAT)
    if (turn) await turn
    if (!whole || whole.content === null) continue
    const shown = { roomId: chat.roomId, ...chatOf(whole) }
    if (!wanted.query || matches(wanted.query, shown)) {
      found.push(shown)
      characters += shown.text.length
    }
    if ((bytes > limits.bytes || characters > limits.characters) && index < rows.length - 1) {
      const { roomId, chatId, postedAt } = chat
      return { chats: found, bytes, through: { roomId, chatId, postedAt } }
    }
  }
  return { chats: found, bytes }
}

function positionOf(row: Row): SearchPosition {
  return { roomId: row.room_id, chatId: row.chat_id, postedAt: row.posted_at }
}

const nameOf = ({ roomId, chatId }: Pick<SearchPosition, 'roomId' | 'chatId'>) => `${roomId} ${chatId}`

/** A chat deleted meanwhile has no text here. */
async function readWhole(db: Database, wanted: Wanted, chats: readonly Located[]): Promise<Map<string, Row>> {
  const rows = await select(db, wanted, chatsAt(db.dialect, chats), 'chat.content')
  const found = new Map(rows.map((row) => [nameOf(positionOf(row)), row]))
  return new Map(chats.map((chat) => [nameOf(chat), found.get(nameOf(chat)) ?? GONE]))
}
const GONE = { content: null } as unknown as Row

function select(db: Database, wanted: Wanted, chats: Bound, content: string): Promise<Row[]> {
  return rowsOf<Row>(
    db.knex,
    `select chat.room_id, chat.chat_id, chat.posted_at, chat.principal_id, ${content} as content, chat.title,
            chat.alert, chat.state, chat.imported_by, chat.imported_at, ${CHAT_BYTES} as bytes,
            principal.uri, principal.display_name
     from ${chats.sql} join principal on principal.id = chat.principal_id
     where chat.state <> 'purged' and not chat.unlogged and chat.posted_at between ? and ?`,
    [...chats.values, wanted.from, wanted.to],
  )
}

const LONG_AT_ONCE = 64
const BYTES_PER_TURN = 32 * 1_024
/** fixed cost per chat, in bytes */
const BYTES_OF_A_CHAT = 64
