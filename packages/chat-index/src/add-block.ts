import { WORDS_VERSION } from '@hansard/chat-text'
import type { ChatRange } from '@hansard/pool-store'
import type { Dialect, Knex } from '@hansard/sql'
import { encodePlaces, type Place } from './block.ts'
import { encoded, KEYS_PER_STEP, putKeys, readKeys, slicesOf } from './keys.ts'
import type { Steps } from './steps.ts'

/**
 * Adds a block. `through` says how far each room is indexed and is advanced here. False when another service was
 * first.
 *
 * The keys are written in steps, and only the last step makes them a block: until then the block has no places, no
 * search finds anything in it, and its rooms count as not indexed. A chat that changes after it was read gets a row
 * in `search_again`, which stays until the block is corrected.
 */
export async function addBlock(
  dialect: Dialect,
  steps: Steps,
  places: readonly Place[],
  through: Map<number, number>,
): Promise<boolean> {
  const last = new Map<number, number>()
  for (const place of places) last.set(place.roomId, place.chatId)
  const ranges: ChatRange[] = [...last].map(([roomId, id]) => ({ roomId, after: through.get(roomId)!, through: id }))
  if (!(await steps.read((knex) => stillNext(knex, ranges)))) return false

  const keys = await readKeys(dialect, steps, places)
  const slices = slicesOf(keys)
  let id: number | undefined
  let added = false
  for (const [index, slice] of slices.entries()) {
    await steps.write(async (tx) => {
      id ??= await beginBlock(tx)
      await putKeys(dialect, tx, id, encoded(keys, slice))
      if (index === slices.length - 1) added = await finishBlock(tx, id, places, ranges)
    })
  }
  if (!added) await dropBlock(steps, id!)
  else for (const range of ranges) through.set(range.roomId, range.through)
  return added
}

/** Deletes the keys of a block that its process did not finish. */
export async function dropUnfinished(steps: Steps): Promise<void> {
  const left: { id: number }[] = await steps.read((knex) =>
    knex('search_block').where({ newest: UNFINISHED.newest }).select('id'),
  )
  for (const { id } of left) await dropBlock(steps, id)
}

async function beginBlock(tx: Knex.Transaction): Promise<number> {
  const [block]: { id: number }[] = await tx('search_block')
    .insert({ ...UNFINISHED, chats: Buffer.alloc(0), version: WORDS_VERSION })
    .returning('id')
  return block!.id
}

async function finishBlock(
  tx: Knex.Transaction,
  id: number,
  places: readonly Place[],
  ranges: readonly ChatRange[],
): Promise<boolean> {
  if (!(await stillNext(tx, ranges))) return false
  const times = places.map((place) => place.postedAt)
  const found = await tx('search_block')
    .where({ id })
    .update({ oldest: Math.min(...times), newest: Math.max(...times), chats: encodePlaces(places) })
  // Another process has deleted the block as unfinished.
  if (found === 0) return false
  for (let from = 0; from < ranges.length; from += ROOMS_AT_ONCE) {
    await tx('search_room')
      .insert(
        ranges
          .slice(from, from + ROOMS_AT_ONCE)
          .map((range) => ({ room_id: range.roomId, indexed_through: range.through })),
      )
      .onConflict('room_id')
      .merge()
  }
  return true
}

async function stillNext(knex: Knex, ranges: readonly ChatRange[]): Promise<boolean> {
  const known = new Map<number, number>()
  for (let from = 0; from < ranges.length; from += ROOMS_AT_ONCE) {
    const ids = ranges.slice(from, from + ROOMS_AT_ONCE).map((range) => range.roomId)
    const rows: { room_id: number; indexed_through: number }[] = await knex('search_room').whereIn('room_id', ids)
    for (const row of rows) known.set(row.room_id, row.indexed_through)
  }
  return ranges.every((range) => (known.get(range.roomId) ?? 0) === range.after)
}

async function dropBlock(steps: Steps, id: number): Promise<void> {
  for (let dropped = KEYS_PER_STEP; dropped === KEYS_PER_STEP; ) {
    dropped = await steps.write((tx) => {
      const some = tx('search_word').where({ block: id }).orderBy('word').limit(KEYS_PER_STEP).select('word')
      return tx('search_word').where({ block: id }).whereIn('word', some).delete()
    })
  }
  await steps.write((tx) => tx('search_block').where({ id }).delete())
}

/** a time at which no chat was posted */
const UNFINISHED = { oldest: Number.MAX_SAFE_INTEGER, newest: -1 }
const ROOMS_AT_ONCE = 400
