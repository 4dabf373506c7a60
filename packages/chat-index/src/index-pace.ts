import { BLOCK_BYTES, BLOCK_CHATS } from './block.ts'
import type { IndexProgress } from './index-chats.ts'

/**
 * How long to wait before the next `indexChats`, in milliseconds, when the last one took `tookMs`.
 *
 * Searches read a short tail without anyone noticing, so while the pool is busy the indexer takes a tenth of the time
 * there is. A long tail is worth more: searches are slow then, and refused in the end.
 */
export function indexPauseMs({ waiting, waitingBytes = 0 }: IndexProgress, tookMs: number): number {
  if (waiting < BLOCK_CHATS && waitingBytes < BLOCK_BYTES) return IDLE_MS
  const long = waiting >= TAIL_LONG || waitingBytes >= TAIL_BYTES_LONG
  return long ? tookMs : Math.min(9 * tookMs, IDLE_MS)
}

const IDLE_MS = 1_000
const TAIL_LONG = 20_000
const TAIL_BYTES_LONG = 16 * BLOCK_BYTES
