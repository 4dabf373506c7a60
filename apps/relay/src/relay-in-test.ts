import type { Database } from '@hansard/sql'
import type { RelayConfig } from './config.ts'

/** How long a test waits for the relay. */
export const until = { timeout: 60_000, interval: 10 }

/** The relay's periods, short enough for a test. */
export const QUICK = {
  pollMs: 10,
  gatherMs: 10,
  forgetMs: 10,
  keepMs: 0,
  rollCallMs: 50,
  resendMs: 200,
  leaseMs: 300,
} satisfies Partial<RelayConfig>

/** A room to record facts in. The relay does not check access to it. */
export async function addRoom(db: Database): Promise<number> {
  const uri = 'ma-chan://example.com/11111111-2222-4333-8444-555555555555'
  const [room]: { id: number }[] = await db
    .knex('room')
    .insert({ uri, name: 'desk', privacy: 'open', created_at: 1 })
    .returning('id')
  return room!.id
}
