import { createHash } from 'node:crypto'
import { yieldAfter } from '@hansard/lifecycle'
import { type Dialect, type Knex, rowsOf } from '@hansard/sql'
import { addKeysOf, type BlockKeys, encodeSet, type Place } from './block.ts'
import { CHAT_BYTES, CONTENT_IF_SHORT, chatsAt, PORTION_BYTES, portionsOf } from './rows.ts'
import type { Steps } from './steps.ts'

/** A chat as its row has it. `gone`: purged or never kept; no search may find it. */
type ChatText = {
  readonly roomId: number
  readonly chatId: number
  readonly content: string
  readonly title: string | null
  readonly gone: boolean
}

/**
 * The keys of the chats at `places`, as they are now. `seen` is called with each chat as it was read; a chat whose
 * row no longer exists is omitted.
 */
export async function readKeys(
  dialect: Dialect,
  steps: Steps,
  places: readonly Place[],
  seen: (chat: ChatText) => void = () => {},
): Promise<BlockKeys> {
  const keys: BlockKeys = new Map()
  const at = new Map(places.map((place, index) => [`${place.roomId} ${place.chatId}`, index]))
  const yieldToEventLoop = yieldAfter(CHARACTERS_PER_TURN)
  // Sets list their places in order; the chats arrive in another.
  const texts: (ChatText | undefined)[] = places.map(() => undefined)
  let from = 0
  const addThrough = async (through: number) => {
    for (; from < through; from += 1) {
      const chat = texts[from]
      texts[from] = undefined
      if (!chat || chat.gone) continue
      const title = chat.title === null ? undefined : (JSON.parse(chat.title) as string)
      const { roomId, principalId } = places[from]!
      addKeysOf({ roomId, principalId, text: JSON.parse(chat.content) as string, title }, from, keys)
      const turn = yieldToEventLoop(chat.content.length)
      if (turn) await turn
    }
  }
  const keep = (chat: ChatText) => {
    seen(chat)
    texts[at.get(`${chat.roomId} ${chat.chatId}`)!] = chat
  }
  for (let first = 0; first < places.length; first += READ_AT_ONCE) {
    const portion = places.slice(first, first + READ_AT_ONCE)
    const long: (LongChat & { readonly index: number })[] = []
    for (const { content, bytes, ...chat } of await steps.read((knex) => readTexts(dialect, knex, portion))) {
      if (content !== null) keep({ ...chat, content })
      else long.push({ ...chat, bytes, index: at.get(`${chat.roomId} ${chat.chatId}`)! })
    }
    long.sort((a, b) => a.index - b.index)
    for (const some of portionsOf(long, { count: READ_AT_ONCE, bytes: PORTION_BYTES })) {
      await addThrough(some[0]!.index)
      for (const chat of await steps.read((knex) => readWhole(dialect, knex, some))) keep(chat)
      await addThrough(some.at(-1)!.index + 1)
    }
    await addThrough(first + portion.length)
  }
  return keys
}

type LongChat = Pick<ChatText, 'roomId' | 'chatId'> & { readonly bytes: number }
type Located = { readonly roomId: number; readonly chatId: number }

const COLUMNS = `chat.room_id as "roomId", chat.chat_id as "chatId", chat.title as "title",
                 (chat.state = 'purged' or chat.unlogged) as "gone"`

/** The texts of chats; for a long chat only its size. */
export function readTexts(
  dialect: Dialect,
  knex: Knex,
  chats: readonly Located[],
): Promise<(Omit<ChatText, 'content'> & { content: string | null; bytes: number })[]> {
  const from = chatsAt(dialect, chats)
  return rowsOf(
    knex,
    `select ${COLUMNS}, ${CONTENT_IF_SHORT} as "content", ${CHAT_BYTES} as "bytes" from ${from.sql}`,
    from.values,
  )
}

/** The texts of a few chats of any length. */
export function readWhole(dialect: Dialect, knex: Knex, chats: readonly Located[]): Promise<ChatText[]> {
  const from = chatsAt(dialect, chats)
  return rowsOf(knex, `select ${COLUMNS}, chat.content as "content" from ${from.sql}`, from.values)
}

/** Distinguishes versions of a chat's text. */
export function digestOf({ content, title, gone }: ChatText): string {
  return createHash('sha256')
    .update(JSON.stringify([content, title, Boolean(gone)]))
    .digest('base64')
}

/** The keys in the order of their table, in portions; one empty portion when there are none. */
export function slicesOf(keys: BlockKeys): Int32Array[] {
  const sorted = Int32Array.from(keys.keys()).sort()
  const count = Math.max(1, Math.ceil(sorted.length / KEYS_PER_STEP))
  return Array.from({ length: count }, (_, n) => sorted.subarray(n * KEYS_PER_STEP, (n + 1) * KEYS_PER_STEP))
}

/** Writes the keys of one step. */
export async function putKeys(
  dialect: Dialect,
  tx: Knex.Transaction,
  block: number,
  keys: readonly (readonly [key: number, places: Buffer])[],
): Promise<void> {
  if (keys.length === 0) return
  if (dialect === 'postgres') {
    await tx.raw(
      'insert into search_word (block, word, chats) select ?::int, word, chats from unnest(?::int[], ?::bytea[]) as k(word, chats)',
      [block, keys.map(([key]) => key), keys.map(([, places]) => places)] as unknown as Knex.RawBinding[],
    )
    return
  }
  for (let from = 0; from < keys.length; from += ROWS_AT_ONCE) {
    const rows = keys.slice(from, from + ROWS_AT_ONCE)
    await tx.raw(
      `insert into search_word (block, word, chats) values ${rows.map(() => '(?, ?, ?)').join(',')}`,
      rows.flatMap(([key, places]) => [block, key, places]),
    )
  }
}

export const encoded = (keys: BlockKeys, slice: Int32Array): [number, Buffer][] =>
  [...slice].map((key) => [key, encodeSet(keys.get(key)!)])

/** keys written per step: SQLite takes a few milliseconds */
export const KEYS_PER_STEP = 2_048
/** rows per statement */
const ROWS_AT_ONCE = 512
const READ_AT_ONCE = 512
const CHARACTERS_PER_TURN = 32 * 1_024
