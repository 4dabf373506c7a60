import { indexChats, indexPauseMs } from '@hansard/chat-index'
import type { Clock } from '@hansard/clock'
import { type Loop, startLoop } from '@hansard/lifecycle'
import type { Database } from '@hansard/sql'

/** Chats indexed in one transaction. With SQLite, posts wait for it, because they share the connection. */
const INDEXED_AT_ONCE = 1_024

/**
 * Keeps the search index close behind the record, at a pace that leaves the database to posts. Any number of services
 * may do so concurrently. Search also finds chats that are not indexed yet, only more slowly.
 */
export function keepIndex({
  db,
  clock,
  onError,
}: {
  db: Database
  clock: Clock
  onError: (error: unknown) => void
}): Loop {
  return startLoop({
    clock,
    everyMs: AFTER_FAILURE_MS,
    async turn(signal) {
      const beganAt = clock.now()
      const progress = await indexChats(db, { limit: INDEXED_AT_ONCE })
      await clock.sleep(indexPauseMs(progress, clock.now() - beganAt), signal)
      return 'again'
    },
    onError,
  })
}

const AFTER_FAILURE_MS = 5_000
