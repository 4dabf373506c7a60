import type { Clock } from '@hansard/clock'
import { blankUnlogged, forgetDepartures, UNLOGGED_HELD_MS } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'

const BATCH = 500

/**
 * Deletes chats of rooms without history that are more than ten minutes old, and departures of that age: no client
 * can catch up on them any more. The compliance record keeps them.
 */
export async function forgetUnlogged({ db, clock }: { db: Database; clock: Clock }): Promise<void> {
  const due = { before: clock.now() - UNLOGGED_HELD_MS, limit: BATCH }
  for (const forget of [blankUnlogged, forgetDepartures]) {
    while ((await forget(db, due)) === BATCH) {
      // One batch is one transaction, so a post waits for at most one of them.
    }
  }
}
