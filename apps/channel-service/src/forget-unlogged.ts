import type { Clock } from '@hansard/clock'
import { blankUnlogged } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'

/** So long a room without history holds its chats for those who have lost their connection and come back. */
const HELD_MS = 10 * 60 * 1_000
const BATCH = 500

/** Forgets what rooms without history said more than ten minutes ago. The compliance record keeps it. */
export async function forgetUnlogged({ db, clock }: { db: Database; clock: Clock }): Promise<void> {
  while ((await blankUnlogged(db, { before: clock.now() - HELD_MS, limit: BATCH })) === BATCH) {
    // One batch, one transaction: chats that are being posted wait no longer than for one of them.
  }
}
