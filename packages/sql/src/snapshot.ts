import knexModule, { type Knex } from 'knex'
import type { Database } from './database.ts'

const SNAPSHOT_IDLE_MS = 10 * 60_000

/**
 * Runs many statements on one consistent snapshot, while others continue to write. The database passed to `work` is
 * read-only.
 *
 * SQLite: on a separate connection, so that the one of `db` stays free; the write-ahead log grows until `work` ends.
 * PostgreSQL: one connection of the pool, in a read-only transaction.
 */
export async function withSnapshot<T>(db: Database, work: (tx: Knex.Transaction) => Promise<T>): Promise<T> {
  if (db.dialect === 'postgres')
    return db.knex.transaction(
      async (tx) => {
        // What it reads is handed to a reader who may be slow, and it holds no lock that others wait for.
        await tx.raw(`set local idle_in_transaction_session_timeout = ${SNAPSHOT_IDLE_MS}`)
        return work(tx)
      },
      { isolationLevel: 'repeatable read', readOnly: true } as Knex.TransactionConfig,
    )
  const { filename } = (db.knex.client as { connectionSettings: { filename: string } }).connectionSettings
  const reader = knexModule.knex({
    client: 'better-sqlite3',
    connection: { filename, options: { readonly: true } } as Knex.Sqlite3ConnectionConfig,
    useNullAsDefault: true,
    pool: { min: 1, max: 1 },
  })
  try {
    return await reader.transaction(async (tx) => {
      // A deferred transaction takes its snapshot with its first read.
      await tx.raw('select count(*) from sqlite_master')
      return work(tx)
    })
  } finally {
    await reader.destroy()
  }
}
