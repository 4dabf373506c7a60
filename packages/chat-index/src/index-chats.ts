import type { Database } from '@hansard/sql'
import { addBlock, dropUnfinished } from './add-block.ts'
import { BLOCK_BYTES, BLOCK_CHATS } from './block.ts'
import { correctOneBlock, renewOneBlock } from './correct-block.ts'
import { portionsOf } from './rows.ts'
import { inSteps } from './steps.ts'
import { bytesOfTails, gatherTails, roomTails } from './tail.ts'

/** Progress of one call of `indexChats`. */
export type IndexProgress = {
  /** chats added to the index or corrected in it */
  readonly indexed: number
  /** chats not indexed yet; searches find them nevertheless */
  readonly waiting: number
  /** bytes of the next of them, when they include whole blocks of long chats */
  readonly waitingBytes?: number
  /**
   * chats of a block that was written anew, because its words had been read by older rules; there may be more of them
   */
  readonly renewed?: number
}

/**
 * Updates the search index: first changed chats, then new ones, in blocks, oldest first. Then it
 * rewrites blocks whose words were read by older rules.
 *
 * The index trails the record, so it costs posting nothing; searches read unindexed chats directly. Call it
 * repeatedly: at once while `waiting` is at least `atLeast`, otherwise later. Any number of services may call it; one
 * works at a time and the other calls do nothing. A killed process leaves whole blocks, or an unfinished one that the
 * next call deletes.
 *
 * Users determine the size of what they write, so all work is bounded by size as well as by count, and done in steps
 * between which others use the database and the event loop.
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
  const progress = await indexTails(db, { indexed, limit, atLeast })
  if (progress.indexed >= limit) return progress
  const renewed = await inSteps(db, (steps) => renewOneBlock(db.dialect, steps))
  return renewed ? { ...progress, renewed } : progress
}

/** Brings in what is new, if there is enough of it. */
async function indexTails(
  db: Database,
  { indexed: corrected, limit, atLeast }: { indexed: number; limit: number; atLeast: number },
): Promise<IndexProgress> {
  let indexed = corrected
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
    // The last block may still grow.
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

/** bytes of chats indexed per call: more than the maximum number of typical chats has */
const BYTES_AT_ONCE = 2 * BLOCK_BYTES
