import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type SqliteDatabase from 'better-sqlite3'
import knexModule, { type Knex } from 'knex'
import { retryWhileBusy } from './busy.ts'
import { createTurns } from './turns.ts'

const require = createRequire(import.meta.url)

export type SqliteHandle = SqliteDatabase.Database

/** how long a SQLite writer waits for another process or thread by default, in milliseconds */
export const BUSY_MS = 15_000

const SILENT = { warn() {}, error() {}, deprecate() {}, debug() {} }

/**
 * SQLite behind knex, in WAL mode with `synchronous=FULL`: a commit returns only when it is on disk.
 *
 * The pool has exactly one connection, and its transactions begin IMMEDIATE. Within one `Database` writers queue for
 * the connection, and across processes for the file lock; neither sees a stale snapshot. A thread must open a SQLite
 * file only once and share the `Database`: better-sqlite3 is synchronous. It yields to the event loop between
 * statements, not within a transaction.
 *
 * A caller that finds the file locked releases the connection and retries later (`busy.ts`). A writer in another
 * process thus delays only this one's writers, neither its readers nor its event loop.
 */
export function openSqlite({ file, busyMs }: { file: string; busyMs: number }): Knex {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const instance = knexModule.knex({
    client: PatientSqliteClient as unknown as typeof Knex.Client,
    connection: { filename: file },
    useNullAsDefault: true,
    log: SILENT,
    pool: {
      min: 1,
      max: 1,
      afterCreate(connection: SqliteHandle, done: (error: Error | null, connection: SqliteHandle) => void) {
        try {
          // Opening may wait in the thread: nobody is served yet.
          connection.pragma(`busy_timeout = ${busyMs}`)
          connection.pragma('journal_mode = WAL')
          connection.pragma('synchronous = FULL')
          connection.pragma('foreign_keys = ON')
          connection.pragma('cache_size = -65536')
          connection.pragma('busy_timeout = 0')
          done(null, connection)
        } catch (error) {
          done(error as Error, connection)
        }
      },
    },
  })
  busyLimits.set(instance.client.config as object, busyMs)
  return instance
}

/** By configuration object, which knex passes on to the clients it creates for transactions. */
const busyLimits = new WeakMap<object, number>()

export function busyLimitOf(client: Knex.Client): number {
  return busyLimits.get(client.config) ?? BUSY_MS
}

type TransactionConfig = { readonly connection?: unknown } | undefined
type Acquired<T> = (connection: unknown) => Promise<T>
type TransactionClass = new (
  ...args: unknown[]
) => {
  client: Knex.Client & { readonly transacting?: boolean }
  begin(connection: unknown): Promise<unknown>
  acquireConnection<T>(config: TransactionConfig, use: Acquired<T>): Promise<T>
}
type RunnerClass = new (
  client: unknown,
  builder: unknown,
) => {
  connection: unknown
  run(): Promise<unknown>
  query(statement: unknown): Promise<unknown>
}
type SqliteClientClass = new (...args: unknown[]) => Knex.Client & { readonly transacting?: boolean }
const Transaction: TransactionClass = require('knex/lib/execution/transaction.js')
const Runner: RunnerClass = require('knex/lib/execution/runner.js')
const BetterSqliteClient: SqliteClientClass = require('knex/lib/dialects/better-sqlite3/index.js')

// knex begins SQLite transactions DEFERRED. One that reads first and writes later then fails with SQLITE_BUSY,
// without waiting, when another process wrote in between. IMMEDIATE takes the write lock at once. It begins where the
// connection is acquired, so that the connection can be released during the wait for the lock.
class ImmediateTransaction extends Transaction {
  override async acquireConnection<T>(config: TransactionConfig, use: Acquired<T>): Promise<T> {
    if (config?.connection || this.client.transacting) return super.acquireConnection(config, use)
    // A failure after the begin is not retried, whatever its reason: it bypasses the retry.
    const outcome = await retryWhileBusy(busyLimitOf(this.client), () =>
      super.acquireConnection(config, async (connection) => {
        ;(connection as SqliteHandle).exec('BEGIN IMMEDIATE')
        return use(connection).then(
          (value) => ({ value }),
          (error: unknown) => ({ error }),
        )
      }),
    )
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  override async begin(): Promise<void> {}
}

/** A statement outside of a transaction is atomic: nothing has happened when it found the file locked. */
class PatientRunner extends Runner {
  readonly #limitMs: number
  #done = 0

  constructor(client: Knex.Client, builder: unknown) {
    super(client, builder)
    this.#limitMs = busyLimitOf(client)
  }

  override async run(): Promise<unknown> {
    const outcome = await retryWhileBusy(this.#limitMs, async () => {
      // knex keeps the connection of the first attempt, which has been released and may be in a transaction by now.
      this.connection = undefined
      try {
        return { value: await super.run() }
      } catch (error) {
        // A schema builder runs several statements: the first ones must not be repeated.
        if (this.#done > 0) return { error }
        throw error
      }
    })
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  override async query(statement: unknown): Promise<unknown> {
    const answer = await super.query(statement)
    this.#done += 1
    return answer
  }
}

class PatientSqliteClient extends BetterSqliteClient {
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

  override runner(builder: unknown): unknown {
    // Our own transaction holds the lock already; outside of one, a statement waits for it.
    return this.transacting ? super.runner(builder) : new PatientRunner(this, builder)
  }
}
