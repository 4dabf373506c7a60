import { BLOCK_BYTES, BLOCK_CHATS } from './block.ts'
import type { IndexProgress } from './index-chats.ts'

/**
 * Pause before the next `indexChats`, in milliseconds, after one that took `tookMs`.
 *
 * A short unindexed tail does not slow searches noticeably, so while the pool is busy the indexer uses a tenth of the
 * time. A long tail gets more: it makes searches slow, and in the end refused.
 */
export function indexPauseMs({ waiting, waitingBytes = 0, renewed = 0 }: IndexProgress, tookMs: number): number {
  if (waiting < BLOCK_CHATS && waitingBytes < BLOCK_BYTES && renewed === 0) return IDLE_MS
  const long = waiting >= TAIL_LONG || waitingBytes >= TAIL_BYTES_LONG
  return long ? tookMs : Math.min(9 * tookMs, IDLE_MS)
}

const IDLE_MS = 1_000
const TAIL_LONG = 20_000
const TAIL_BYTES_LONG = 16 * BLOCK_BYTES
