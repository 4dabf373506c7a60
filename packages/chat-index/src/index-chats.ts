import type { Database } from '@hansard/sql'
import { addBlock, dropUnfinished } from './add-block.ts'
import { BLOCK_BYTES, BLOCK_CHATS } from './block.ts'
import { correctOneBlock } from './correct-block.ts'
import { portionsOf } from './rows.ts'
import { inSteps } from './steps.ts'
import { bytesOfTails, gatherTails, roomTails } from './tail.ts'

/** How far one call of `indexChats` came. */
export type IndexProgress = {
  /** chats brought into the index or corrected in it */
  readonly indexed: number
  /** chats that still wait, all of them found by searches nevertheless */
  readonly waiting: number
  /** bytes of those of them that are next, when whole blocks of long chats are among them */
  readonly waitingBytes?: number
}

/**
 * Brings chats into the search index: first what changed, then what is new, in blocks, oldest first.
 *
 * The index trails the record, so posting pays nothing for it; searches read what it does not have yet. Call it again
 * and again, at once while `waiting` is not below `atLeast`, later otherwise. Any number of services may: one of them
 * works at a time and the others' calls do nothing. Whoever is killed leaves only whole blocks, or what is no block yet
 * and is taken away by the next call.
 *
 * What people write is theirs to choose, so all of this is bounded by its size as well as by its number, and done in
 * steps between which others use the database and the event loop.
 */
export async function indexChats(
  db: Database,
  { limit = 4 * BLOCK_CHATS, atLeast = BLOCK_CHATS }: { limit?: number; atLeast?: number } = {},
): Promise<IndexProgress> {
  let indexed = 0
  await inSteps(db, dropUnfinished)
  while (indexed < limit) {
    const corrected = await inSteps(db, (steps) => correctOneBlock(db.dialect, steps))
    if (!corrected) break
    indexed += corrected
  }
  const tails = await roomTails(db)
  let waiting = tails.reduce((count, tail) => count + tail.through - tail.after, 0)
  if (waiting === 0 || (waiting < atLeast && (await bytesOfTails(db, tails)) < BLOCK_BYTES)) return { indexed, waiting }
  const through = new Map(tails.map((tail) => [tail.roomId, tail.after]))
  const chats = await gatherTails(db, tails, Math.max(limit, atLeast))
  let waitingBytes = chats.reduce((sum, chat) => sum + chat.bytes, 0)
  let written = 0
  let position = 0
  for (const block of portionsOf(chats, { count: BLOCK_CHATS, bytes: BLOCK_BYTES })) {
    if (indexed >= Math.max(limit, atLeast) || written >= BYTES_AT_ONCE) break
    position += block.length
    const bytes = block.reduce((sum, chat) => sum + chat.bytes, 0)
    // The last one may still grow.
    const last = position === chats.length && bytes < BLOCK_BYTES
    if (last && block.length < Math.min(atLeast, BLOCK_CHATS)) break
    const places = block.map(({ bytes: _, ...place }) => place)
    if (!(await inSteps(db, (steps) => addBlock(db.dialect, steps, places, through)))) break
    indexed += block.length
    waiting -= block.length
    written += bytes
    waitingBytes -= bytes
  }
  return { indexed, waiting, ...(waitingBytes < BLOCK_BYTES ? {} : { waitingBytes }) }
}

/** Bytes of chats brought in by one call: more than as many short ones have. */
const BYTES_AT_ONCE = 2 * BLOCK_BYTES
