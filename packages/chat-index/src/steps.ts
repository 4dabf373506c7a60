import { yieldToEventLoop } from '@hansard/lifecycle'
import { type Database, type Knex, rowsOf } from '@hansard/sql'

/** Reads and writes the index in small steps, and yields between them. */
export type Steps = {
  read<T>(work: (knex: Knex) => Promise<T>): Promise<T>
  write<T>(work: (tx: Knex.Transaction) => Promise<T>): Promise<T>
}

/**
 * Works on the index in steps. Undefined when another service is working on it.
 *
 * SQLite has one connection, and every post waits for it. Each step is therefore a transaction of its own, and work
 * that spans several steps must tolerate that others change chats in between, and that the process dies there. In
 * PostgreSQL all steps are one transaction.
 */
export async function inSteps<T>(db: Database, work: (steps: Steps) => Promise<T>): Promise<T | undefined> {
  if (db.dialect === 'postgres') {
    return db.knex.transaction(async (tx) => {
      const [row] = await rowsOf<{ locked: boolean }>(tx, 'select pg_try_advisory_xact_lock(?) as locked', [INDEX_LOCK])
      if (!row!.locked) return undefined
      const step = async <U>(each: (tx: Knex.Transaction) => Promise<U>) => {
        await yieldToEventLoop()
        return each(tx)
      }
      return work({ read: step, write: step })
    })
  }
  if (working.has(db.knex)) return undefined
  working.add(db.knex)
  try {
    return await work({
      async read(each) {
        await yieldToEventLoop()
        return each(db.knex)
      },
      async write(each) {
        await yieldToEventLoop()
        return db.knex.transaction(each)
      },
    })
  } finally {
    working.delete(db.knex)
  }
}

const INDEX_LOCK = 0x48616e74
/** databases of this process whose index is being worked on */
const working = new WeakSet<Knex>()
