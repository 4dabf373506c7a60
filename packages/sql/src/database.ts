import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type SqliteDatabase from 'better-sqlite3'
import knexModule, { type Knex } from 'knex'
import pg from 'pg'
import { isTransient } from './errors.ts'
import { createTurns } from './turns.ts'

const require = createRequire(import.meta.url)
const { knex } = knexModule

/**
 * A database behind knex, in one of two dialects.
 *
 * SQLite is opened in WAL mode with `synchronous=FULL`: a commit returns only when it is on disk. Its pool has
 * exactly one connection, and its transactions begin IMMEDIATE. Within one `Database` writers queue for the
 * connection, and across processes for the file lock; neither sees a stale snapshot. A thread must open a SQLite file
 * only once and share the `Database`: better-sqlite3 is synchronous, and a second connection that waits for a
 * transaction of the first would wait for ever. It yields to the event loop between statements, not within a
 * transaction.
 */
export type Database = { readonly knex: Knex; readonly dialect: Dialect; close(): Promise<void> }
export type Dialect = 'sqlite' | 'postgres'
export type SqliteHandle = SqliteDatabase.Database

// int8 holds ids and milliseconds, both far below 2^53; node-postgres would return them as strings.
pg.types.setTypeParser(pg.types.builtins.INT8, (text) => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`The database returned ${text}, beyond 2^53.`)
  return value
})

// knex writes its warnings to standard output, which belongs to the command's result. Errors are thrown anyway.
const SILENT = { warn() {}, error() {}, deprecate() {}, debug() {} }

/** maximum duration of a PostgreSQL statement; planning an export of millions of events takes the longest */
const POSTGRES_QUERY_MS = 120_000

/** how long a SQLite writer waits for another process or thread, in milliseconds */
const SQLITE_BUSY_MS = 15_000

/** `sqlite:<file>` or `postgres://…`. Opening does not migrate. */
export function openDatabase(options: { url: string; connectionsMax?: number; applicationName?: string }): Database {
  const { url, connectionsMax = 5, applicationName = 'hansard' } = options
  if (url.startsWith('sqlite:')) return openSqlite(url.slice('sqlite:'.length))
  if (/^postgres(ql)?:\/\//.test(url)) {
    const instance = knex({
      client: 'pg',
      connection: {
        connectionString: url,
        application_name: applicationName,
        keepAlive: true,
        connectionTimeoutMillis: 10_000,
        // A server that neither answers nor closes the connection must not block a service for ever. The outcome of
        // the statement is unknown then.
        lock_timeout: 15_000,
        query_timeout: POSTGRES_QUERY_MS,
        statement_timeout: POSTGRES_QUERY_MS,
      } as Knex.PgConnectionConfig,
      pool: { min: 0, max: connectionsMax },
      acquireConnectionTimeout: 15_000,
      log: SILENT,
    })
    return { knex: instance, dialect: 'postgres', close: () => instance.destroy() }
  }
  throw new Error(`A database URL must begin with sqlite: or postgres://.`)
}

function openSqlite(file: string): Database {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const instance = knex({
    client: ImmediateSqliteClient,
    connection: { filename: file },
    useNullAsDefault: true,
    log: SILENT,
    pool: {
      min: 1,
      max: 1,
      afterCreate(connection: SqliteHandle, done: (error: Error | null, connection: SqliteHandle) => void) {
        try {
          connection.pragma(`busy_timeout = ${SQLITE_BUSY_MS}`)
          connection.pragma('journal_mode = WAL')
          connection.pragma('synchronous = FULL')
          connection.pragma('foreign_keys = ON')
          connection.pragma('cache_size = -65536')
          done(null, connection)
        } catch (error) {
          done(error as Error, connection)
        }
      },
    },
  })
  return { knex: instance, dialect: 'sqlite', close: () => instance.destroy() }
}

/**
 * Runs synchronous work on the one SQLite connection, after the current transaction. The hot path: prepared
 * statements, no query building, no await between begin and commit.
 */
export async function withSqlite<T>(db: Database, work: (handle: SqliteHandle) => T): Promise<T> {
  const client = db.knex.client as Knex.Client
  const handle = (await client.acquireConnection()) as SqliteHandle
  try {
    return work(handle)
  } finally {
    await client.releaseConnection(handle)
  }
}

/**
 * Runs work on one PostgreSQL connection of the pool. A broken connection is not used again; `work` rolls back what
 * it began.
 */
export async function withPostgres<T>(db: Database, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = db.knex.client as Knex.Client
  const connection = (await client.acquireConnection()) as pg.PoolClient & { __knex__disposed?: unknown }
  try {
    return await work(connection)
  } catch (error) {
    if (isTransient(error)) connection.__knex__disposed ??= error
    throw error
  } finally {
    await client.releaseConnection(connection)
  }
}

type TransactionClass = new (...args: unknown[]) => { query(connection: unknown, sql: string): Promise<unknown> }
type SqliteClientClass = typeof Knex.Client
const Transaction: TransactionClass = require('knex/lib/execution/transaction.js')
const BetterSqliteClient: SqliteClientClass = require('knex/lib/dialects/better-sqlite3/index.js')

// knex begins SQLite transactions DEFERRED. One that reads first and writes later then fails with SQLITE_BUSY,
// without waiting, when another process wrote in between. IMMEDIATE takes the write lock at once, and waits for it.
class ImmediateTransaction extends Transaction {
  begin(connection: unknown): Promise<unknown> {
    return this.query(connection, 'BEGIN IMMEDIATE;')
  }
}

class ImmediateSqliteClient extends BetterSqliteClient {
  readonly #turns = createTurns()

  // Waits while holding the connection: callers queued for it would otherwise pass it on within one tick. A
  // transaction acquires its connection once.
  override async acquireConnection(): Promise<unknown> {
    const connection: unknown = await super.acquireConnection()
    await this.#turns.take()
    return connection
  }

  override transaction(...args: unknown[]): Knex.Transaction {
    return new ImmediateTransaction(this, ...args) as unknown as Knex.Transaction
  }
}
