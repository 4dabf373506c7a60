import type { Clock } from '@hansard/clock'
import { blankUnlogged, forgetDepartures, UNLOGGED_HELD_MS } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'

const BATCH = 500

/**
 * Forgets what rooms without history said more than ten minutes ago, and who went from them that long ago: nobody can be
 * caught up with it any more. The compliance record keeps it.
 */
export async function forgetUnlogged({ db, clock }: { db: Database; clock: Clock }): Promise<void> {
  const due = { before: clock.now() - UNLOGGED_HELD_MS, limit: BATCH }
  for (const forget of [blankUnlogged, forgetDepartures]) {
    while ((await forget(db, due)) === BATCH) {
      // One batch, one transaction: chats that are being posted wait no longer than for one of them.
    }
  }
}
