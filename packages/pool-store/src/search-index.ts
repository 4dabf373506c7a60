import type { Database, Dialect, Knex } from '@hansard/sql'
import {
  BLOCK_CHATS,
  encodePlaces,
  encodeSet,
  type IndexedChat,
  keysOfChats,
  type Place,
  placeAt,
  placeCount,
} from './search-block.ts'
import { type ChatRange, chatsAt, chatsInRanges, rowsOf } from './search-rows.ts'
import { gatherTails, roomTails } from './search-tail.ts'

/** How far one call of `indexChats` came. */
export type IndexProgress = {
  /** chats brought into the index or corrected in it */
  readonly indexed: number
  /** chats that still wait, all of them found by searches nevertheless */
  readonly waiting: number
}

/**
 * Brings chats into the search index: first what changed, then what is new, in blocks, oldest first.
 *
 * The index trails the record, so posting pays nothing for it; searches read what it does not have yet. Call it again
 * and again, at once while `waiting` is not below `atLeast`, later otherwise. Any number of services may: in
 * PostgreSQL one of them works at a time and the others' calls do nothing. Each block is a transaction of its own, so
 * whoever is killed leaves only whole blocks.
 */
export async function indexChats(
  db: Database,
  { limit = 4 * BLOCK_CHATS, atLeast = BLOCK_CHATS }: { limit?: number; atLeast?: number } = {},
): Promise<IndexProgress> {
  let indexed = 0
  while (indexed < limit) {
    const corrected = await db.knex.transaction(async (tx) =>
      (await lockIndex(db, tx)) ? correctOneBlock(db.dialect, tx) : 0,
    )
    if (corrected === 0) break
    indexed += corrected
  }
  const tails = await roomTails(db)
  let waiting = tails.reduce((count, tail) => count + tail.through - tail.after, 0)
  if (waiting < Math.max(atLeast, 1)) return { indexed, waiting }
  const through = new Map(tails.map((tail) => [tail.roomId, tail.after]))
  const chats = await gatherTails(db, tails, Math.max(limit, atLeast))
  for (let from = 0; from < chats.length && indexed < Math.max(limit, atLeast); from += BLOCK_CHATS) {
    const block = chats.slice(from, from + BLOCK_CHATS)
    if (block.length < Math.min(atLeast, BLOCK_CHATS)) break
    const written = await db.knex.transaction(
      async (tx) => (await lockIndex(db, tx)) && addBlock(db.dialect, tx, block, through),
    )
    if (!written) break
    indexed += block.length
    waiting -= block.length
  }
  return { indexed, waiting }
}

/**
 * Says that a chat was replaced or purged. Call it in the transaction that does so, after the change: from its commit
 * on searches go by the new text, and the indexer takes the old words out of the index, usually within a second.
 */
export async function reindexChat(tx: Knex.Transaction, roomId: number, chatId: number): Promise<void> {
  await again(tx, 'room_id = ? and chat_id = ?', [roomId, chatId])
}

/** The same for many chats of a room. */
export async function reindexChats(tx: Knex.Transaction, roomId: number, chatIds: readonly number[]): Promise<void> {
  for (const ids of batches(chatIds, 400)) {
    await again(tx, `room_id = ? and chat_id in (${ids.map(() => '?').join(',')})`, [roomId, ...ids])
  }
}

/** The same for all chats of a room. */
export async function reindexRoom(tx: Knex.Transaction, roomId: number): Promise<void> {
  await again(tx, 'room_id = ?', [roomId])
}

async function again(tx: Knex.Transaction, which: string, values: number[]): Promise<void> {
  await tx.raw(
    `insert into search_again (room_id, chat_id, gone)
     select room_id, chat_id, (state = 'purged' or unlogged) from chat where ${which}
     on conflict (room_id, chat_id) do update set gone = excluded.gone`,
    values,
  )
}

// SQLite's transactions exclude one another anyway.
async function lockIndex(db: Database, tx: Knex.Transaction): Promise<boolean> {
  if (db.dialect === 'sqlite') return true
  const [row] = await rowsOf<{ locked: boolean }>(tx, 'select pg_try_advisory_xact_lock(?) as locked', [INDEX_LOCK])
  return row!.locked
}
const INDEX_LOCK = 0x48616e74

/** False when another service came first. */
async function addBlock(
  dialect: Dialect,
  tx: Knex.Transaction,
  places: readonly Place[],
  through: Map<number, number>,
): Promise<boolean> {
  const last = new Map<number, number>()
  for (const place of places) last.set(place.roomId, place.chatId)
  const ranges: ChatRange[] = [...last].map(([roomId, id]) => ({ roomId, after: through.get(roomId)!, through: id }))
  const known = new Map<number, number>()
  for (const ids of batches([...last.keys()], 400)) {
    const rows: { room_id: number; indexed_through: number }[] = await tx('search_room').whereIn('room_id', ids)
    for (const row of rows) known.set(row.room_id, row.indexed_through)
  }
  if (ranges.some((range) => (known.get(range.roomId) ?? 0) !== range.after)) return false

  const keys = keysOfChats(await readChats(dialect, tx, places, ranges))
  const times = places.map((place) => place.postedAt)
  const [block]: { id: number }[] = await tx('search_block')
    .insert({
      oldest: Math.min(...times),
      newest: Math.max(...times),
      chats: encodePlaces(places),
    })
    .returning('id')
  await putKeys(dialect, tx, block!.id, [...keys])
  for (const rooms of batches(ranges, 400)) {
    await tx('search_room')
      .insert(rooms.map((range) => ({ room_id: range.roomId, indexed_through: range.through })))
      .onConflict('room_id')
      .merge()
  }
  for (const range of ranges) through.set(range.roomId, range.through)
  return true
}

/** Makes the block of a changed chat anew, with all changes that are known by now. Answers how many that were. */
async function correctOneBlock(dialect: Dialect, tx: Knex.Transaction): Promise<number> {
  // What another transaction holds is not committed, so it is not this round's. Waiting for it could deadlock.
  const changed = await rowsOf<{ room_id: number; chat_id: number }>(
    tx,
    `select room_id, chat_id from search_again order by room_id, chat_id limit 2000
     ${dialect === 'postgres' ? 'for update skip locked' : ''}`,
  )
  const first = changed[0]
  if (!first) return 0
  const block = await findBlock(dialect, tx, { roomId: first.room_id, chatId: first.chat_id })
  // Not indexed yet: it will be, with the text it has now.
  let done = [first]
  if (block) {
    const places = Array.from({ length: placeCount(block.chats) }, (_, index) => placeAt(block.chats, index))
    const inBlock = new Set(places.map((place) => `${place.roomId} ${place.chatId}`))
    done = changed.filter((row) => inBlock.has(`${row.room_id} ${row.chat_id}`))
    await makeAnew(dialect, tx, block, places)
  }
  for (const rows of batches(done, 400)) {
    await tx('search_again')
      .whereIn(
        ['room_id', 'chat_id'],
        rows.map((row) => [row.room_id, row.chat_id]),
      )
      .delete()
  }
  return done.length
}

type Block = { id: number; chats: Buffer }

async function findBlock(
  dialect: Dialect,
  tx: Knex.Transaction,
  chat: { roomId: number; chatId: number },
): Promise<Block | undefined> {
  const room: { indexed_through: number } | undefined = await tx('search_room').where({ room_id: chat.roomId }).first()
  if (!room || room.indexed_through < chat.chatId) return undefined
  const [row] = await rowsOf<{ posted_at: number }>(
    tx,
    `select chat.posted_at from ${chatsAt(dialect, [chat]).sql}`,
    chatsAt(dialect, [chat]).values,
  )
  if (!row) return undefined
  const blocks: Block[] = await tx('search_block')
    .where('oldest', '<=', row.posted_at)
    .andWhere('newest', '>=', row.posted_at)
    .select('id', 'chats')
  const holds = ({ chats }: Block) => {
    for (let index = placeCount(chats) - 1; index >= 0; index -= 1) {
      const place = placeAt(chats, index)
      if (place.roomId === chat.roomId && place.chatId === chat.chatId) return true
    }
    return false
  }
  return blocks.find(holds)
}

async function makeAnew(dialect: Dialect, tx: Knex.Transaction, block: Block, places: readonly Place[]): Promise<void> {
  const ranges = new Map<number, ChatRange>()
  for (const { roomId, chatId } of places) {
    const after = Math.min(ranges.get(roomId)?.after ?? chatId - 1, chatId - 1)
    ranges.set(roomId, { roomId, after, through: Math.max(ranges.get(roomId)?.through ?? chatId, chatId) })
  }
  const keys = keysOfChats(await readChats(dialect, tx, places, [...ranges.values()]))
  const rows: { word: number; chats: Buffer }[] = await tx('search_word')
    .where({ block: block.id })
    .select('word', 'chats')
  const kept = new Set<number>()
  for (const row of rows) {
    const now = keys.get(row.word)
    if (now && encodeSet(now).equals(row.chats)) kept.add(row.word)
  }
  const stale = rows.map((row) => row.word).filter((word) => !kept.has(word))
  for (const words of batches(stale, 400)) {
    await tx('search_word').where({ block: block.id }).whereIn('word', words).delete()
  }
  await putKeys(
    dialect,
    tx,
    block.id,
    [...keys].filter(([key]) => !kept.has(key)),
  )
}

async function putKeys(dialect: Dialect, tx: Knex.Transaction, block: number, keys: [number, number[]][]) {
  if (dialect === 'postgres') {
    await tx.raw(
      'insert into search_word (block, word, chats) select ?::int, word, chats from unnest(?::int[], ?::bytea[]) as k(word, chats)',
      [block, keys.map(([key]) => key), keys.map(([, places]) => encodeSet(places))] as unknown as Knex.RawBinding[],
    )
    return
  }
  // In the order of the table.
  keys.sort(([a], [b]) => a - b)
  for (const rows of batches(keys, 500)) {
    await tx.raw(
      `insert into search_word (block, word, chats) values ${rows.map(() => '(?, ?, ?)').join(',')}`,
      rows.flatMap(([key, places]) => [block, key, encodeSet(places)]),
    )
  }
}

/** The chats at `places`, in that order, as they are in this transaction. */
async function readChats(
  dialect: Dialect,
  tx: Knex.Transaction,
  places: readonly Place[],
  ranges: readonly ChatRange[],
): Promise<IndexedChat[]> {
  const from = chatsInRanges(dialect, ranges)
  const rows = await rowsOf<{ room_id: number; chat_id: number; content: string; title: string | null; gone: unknown }>(
    tx,
    `select chat.room_id, chat.chat_id, chat.content, chat.title, (chat.state = 'purged' or chat.unlogged) as gone
     from ${from.sql}`,
    from.values,
  )
  const byKey = new Map(rows.map((row) => [`${row.room_id} ${row.chat_id}`, row]))
  return places.map((place) => {
    const row = byKey.get(`${place.roomId} ${place.chatId}`)
    if (!row || row.gone) return { ...place, text: '', title: undefined, gone: true }
    const title = row.title === null ? undefined : (JSON.parse(row.title) as string)
    return { ...place, text: JSON.parse(row.content) as string, title, gone: false }
  })
}

function batches<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, n) => values.slice(n * size, (n + 1) * size))
}
