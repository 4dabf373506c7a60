import { systemClock } from '@hansard/clock'
import type { Knex } from 'knex'
import type { Database } from './database.ts'

/** how long the server waits for a client inside a transaction before that client counts as frozen; milliseconds */
const FROZEN_MS = 1_000
const LOOK_EVERY_MS = 250

/**
 * A transaction that ends the session that blocks it, instead of waiting. It is for transactions that replace or end a
 * process which may be frozen or cut off in the middle of one.
 *
 * The danger is to end a session that works. Only a session is ended that holds what this transaction waits for, of
 * the same role, and whose client has left the server waiting for a second: for its next statement, or for it to read
 * a result. It loses its transaction, which was not committed; its process, when it wakes up, finds the connection
 * gone. SQLite: a transaction holds the whole database, and its process alone could end it; plain transaction.
 */
export async function endingBlockers<T>(db: Database, work: (tx: Knex.Transaction) => Promise<T>): Promise<T> {
  if (db.dialect === 'sqlite') return db.knex.transaction(work)
  return db.knex.transaction(async (tx) => {
    const { rows }: { rows: { pid: number }[] } = await tx.raw('select pg_backend_pid() as pid')
    const done = new AbortController()
    const ending = endBlockersOf(db, rows[0]!.pid, done.signal)
    try {
      return await work(tx)
    } finally {
      done.abort()
      await ending
    }
  })
}

async function endBlockersOf(db: Database, pid: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    await systemClock.sleep(LOOK_EVERY_MS, signal)
    if (signal.aborted) return
    // What it cannot end, it waits for: then `lock_timeout` says so.
    await db.knex.raw(END_BLOCKERS, [pid, FROZEN_MS]).catch(() => {})
  }
}

/** Those in front may themselves wait for others; the last in the chain is the one that everybody waits for. */
const END_BLOCKERS = `
  with recursive blocker (pid) as (
    select unnest(pg_blocking_pids(?))
    union
    select unnest(pg_blocking_pids(blocker.pid)) from blocker
  )
  select pg_terminate_backend(activity.pid) from pg_stat_activity activity join blocker on blocker.pid = activity.pid
  where activity.usename = current_user and activity.wait_event_type = 'Client'
    and activity.state_change < clock_timestamp() - ? * interval '1 millisecond'`
