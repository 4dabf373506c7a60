import { WORDS_VERSION } from '@hansard/chat-text'
import { type Dialect, type Knex, rowsOf } from '@hansard/sql'
import { type BlockKeys, encodeSet, type Place, placeAt, placeCount } from './block.ts'
import { digestOf, KEYS_PER_STEP, putKeys, readKeys, readTexts, readWhole, slicesOf } from './keys.ts'
import { forgetChanges, reindexChat } from './reindex.ts'
import { chatsAt, PORTION_BYTES, portionsOf } from './rows.ts'
import type { Steps } from './steps.ts'

type Changed = { readonly roomId: number; readonly chatId: number }
type Block = { readonly id: number; readonly chats: Buffer }

/**
 * Rebuilds the block of a changed chat, with all its changes known by now. Returns how many those were.
 *
 * Searches read changed chats directly until their rows are deleted from `search_again`, so the block's content for
 * them does not matter meanwhile. A row is deleted only if the chat is still as it was read for the block.
 */
export async function correctOneBlock(dialect: Dialect, steps: Steps): Promise<number> {
  // A row locked by another transaction is not committed and is left for the next round. Waiting for it could
  // deadlock.
  const changed = await steps.read((knex) =>
    rowsOf<Changed>(
      knex,
      `select again.room_id as "roomId", again.chat_id as "chatId" from search_again as again
       join search_room on search_room.room_id = again.room_id and again.chat_id <= search_room.indexed_through
       order by again.room_id, again.chat_id limit 2000 ${dialect === 'postgres' ? 'for update of again skip locked' : ''}`,
    ),
  )
  const first = changed[0]
  if (!first) return 0
  const block = await steps.read((knex) => findBlock(dialect, knex, first))
  if (!block) {
    await steps.write((tx) => forgetChanges(tx, [first]))
    return 1
  }
  const places = Array.from({ length: placeCount(block.chats) }, (_, index) => placeAt(block.chats, index))
  const inBlock = new Set(places.map(nameOf))
  const corrected = changed.filter((chat) => inBlock.has(nameOf(chat)))
  const digests = new Map<string, string | undefined>(corrected.map((chat) => [nameOf(chat), undefined]))
  const keys = await readKeys(dialect, steps, places, (chat) => {
    if (digests.has(nameOf(chat))) digests.set(nameOf(chat), digestOf(chat))
  })
  await makeAnew(dialect, steps, block, keys)
  await settle(dialect, steps, corrected, digests)
  return corrected.length
}

/**
 * Rewrites a block whose words were read by older rules, the latest first. Returns how many chats it has, 0 if there is
 * no such block.
 *
 * Until its last step the block keeps its old version, and searches compare all of its chats. A chat that changes
 * meanwhile is in `search_again`, so the block is corrected afterwards.
 */
export async function renewOneBlock(dialect: Dialect, steps: Steps): Promise<number> {
  const block: Block | undefined = await steps.read((knex) =>
    knex('search_block')
      .where('version', '<', WORDS_VERSION)
      .andWhere('newest', '>=', 0)
      .orderBy('version')
      .orderBy('newest', 'desc')
      .first('id', 'chats'),
  )
  if (!block) return 0
  const places = Array.from({ length: placeCount(block.chats) }, (_, index) => placeAt(block.chats, index))
  await makeAnew(dialect, steps, block, await readKeys(dialect, steps, places))
  return places.length
}

const nameOf = ({ roomId, chatId }: Changed) => `${roomId} ${chatId}`

async function findBlock(dialect: Dialect, knex: Knex, chat: Changed): Promise<Block | undefined> {
  const from = chatsAt(dialect, [chat])
  const [row] = await rowsOf<{ posted_at: number }>(knex, `select chat.posted_at from ${from.sql}`, from.values)
  if (!row) return undefined
  const blocks: Block[] = await knex('search_block')
    .where('oldest', '<=', row.posted_at)
    .andWhere('newest', '>=', row.posted_at)
    .select('id', 'chats')
  const holds = ({ chats }: Block) => {
    for (let index = placeCount(chats) - 1; index >= 0; index -= 1) {
      const place: Place = placeAt(chats, index)
      if (place.roomId === chat.roomId && place.chatId === chat.chatId) return true
    }
    return false
  }
  return blocks.find(holds)
}

/** Gives the block exactly these keys: merges them with its rows, both in key order. Also sets its version. */
async function makeAnew(dialect: Dialect, steps: Steps, block: Block, keys: BlockKeys): Promise<void> {
  const sorted = slicesOf(keys).flatMap((slice) => [...slice])
  let at = 0
  let after: number | undefined = BEFORE_ALL
  while (after !== undefined) {
    const from = after
    after = await steps.write(async (tx) => {
      const rows: { word: number; chats: Buffer }[] = await tx('search_word')
        .where({ block: block.id })
        .andWhere('word', from === BEFORE_ALL ? '>=' : '>', from)
        .orderBy('word')
        .limit(KEYS_PER_STEP)
        .select('word', 'chats')
      const next = sorted.slice(at, at + KEYS_PER_STEP)
      const through = Math.min(
        rows.length === KEYS_PER_STEP ? rows.at(-1)!.word : AFTER_ALL,
        next.length === KEYS_PER_STEP ? next.at(-1)! : AFTER_ALL,
      )
      const wanted = next.filter((key) => key <= through).map((key) => [key, encodeSet(keys.get(key)!)] as const)
      const held = new Map(rows.filter((row) => row.word <= through).map((row) => [row.word, row.chats]))
      const kept = new Set(wanted.filter(([key, places]) => held.get(key)?.equals(places)).map(([key]) => key))
      const stale = [...held.keys()].filter((word) => !kept.has(word))
      for (let from = 0; from < stale.length; from += ROWS_AT_ONCE) {
        const words = stale.slice(from, from + ROWS_AT_ONCE)
        await tx('search_word').where({ block: block.id }).whereIn('word', words).delete()
      }
      await putKeys(
        dialect,
        tx,
        block.id,
        wanted.filter(([key]) => !kept.has(key)),
      )
      at += wanted.length
      if (through !== AFTER_ALL) return through
      await tx('search_block').where({ id: block.id }).update({ version: WORDS_VERSION })
      return undefined
    })
  }
}

/** A word's key is a signed 32-bit integer; PostgreSQL compares with this type. */
const BEFORE_ALL = -0x80000000
const AFTER_ALL = 0x7fffffff

/** Deletes the rows of the chats that still are as the block has them, and keeps the others'. */
async function settle(
  dialect: Dialect,
  steps: Steps,
  chats: readonly Changed[],
  digests: ReadonlyMap<string, string | undefined>,
): Promise<void> {
  for (let from = 0; from < chats.length; from += ROWS_AT_ONCE) {
    const some = chats.slice(from, from + ROWS_AT_ONCE)
    const sized = new Map<string, number>()
    for (const { bytes, ...chat } of await steps.read((knex) => readTexts(dialect, knex, some))) {
      sized.set(nameOf(chat), bytes)
    }
    const measured = some.map((chat) => ({ ...chat, bytes: sized.get(nameOf(chat)) ?? 0 }))
    for (const portion of portionsOf(measured, { count: ROWS_AT_ONCE, bytes: PORTION_BYTES })) {
      await steps.write(async (tx) => {
        const now = new Map((await readWhole(dialect, tx, portion)).map((chat) => [nameOf(chat), digestOf(chat)]))
        const same = portion.filter((chat) => now.get(nameOf(chat)) === digests.get(nameOf(chat)))
        await forgetChanges(tx, same)
        const moved = portion.filter((chat) => !same.includes(chat))
        for (const { roomId, chatId } of moved) await reindexChat(tx, roomId, chatId)
      })
    }
  }
}

const ROWS_AT_ONCE = 400
