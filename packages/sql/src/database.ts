import type { Writable } from 'node:stream'
import type { Knex } from 'knex'
import type pg from 'pg'
import { retryWhileBusy } from './busy.ts'
import { isAfterFailure, isRolledBack, losesConnection } from './errors.ts'
import { openPostgres, staleFromNowOn } from './open-postgres.ts'
import { BUSY_MS, busyLimitOf, openSqlite, type SqliteHandle } from './open-sqlite.ts'

/**
 * A database behind knex, in one of two dialects. Their properties are described in `open-sqlite.ts` and
 * `open-postgres.ts`.
 */
export type Database = {
  readonly knex: Knex
  readonly dialect: Dialect
  /**
   * Connections for `withPostgres`. The server plans their named statements once: PostgreSQL otherwise plans a
   * statement anew for each short list it is given, which takes longer than to execute it. A plan made while a table is
   * small is used until the table is analyzed, so these connections prefer an index whatever the size. With SQLite, the
   * one connection.
   */
  readonly prepared: Knex.Client
  close(): Promise<void>
}
export type Dialect = 'sqlite' | 'postgres'
export type { SqliteHandle }

/**
 * `sqlite:<file>` or `postgres://…`. Opening does not migrate.
 *
 * `busyMs`: how long a SQLite statement may wait for another process or thread that writes.
 */
export function openDatabase(options: {
  url: string
  connectionsMax?: number
  applicationName?: string
  busyMs?: number
}): Database {
  const { url, connectionsMax = 5, applicationName = 'hansard', busyMs = BUSY_MS } = options
  if (url.startsWith('sqlite:')) {
    const knex = openSqlite({ file: url.slice('sqlite:'.length), busyMs })
    return { knex, dialect: 'sqlite', prepared: knex.client, close: () => knex.destroy() }
  }
  if (/^postgres(ql)?:\/\//.test(url)) {
    const common = { url, connectionsMax, applicationName, failovers: { generation: 0 } }
    const knex = openPostgres({ ...common, planOnce: false })
    const prepared = openPostgres({ ...common, planOnce: true })
    const close = async () => {
      await Promise.all([knex.destroy(), prepared.destroy()])
    }
    return { knex, dialect: 'postgres', prepared: prepared.client, close }
  }
  throw new Error(`A database URL must begin with sqlite: or postgres://.`)
}

/**
 * Runs synchronous work on the one SQLite connection, after the current transaction. The hot path: prepared
 * statements, no query building, no await between begin and commit.
 *
 * While another process holds the write lock, `work` fails at its begin and runs again: it must not have done
 * anything before.
 */
export async function withSqlite<T>(db: Database, work: (handle: SqliteHandle) => T): Promise<T> {
  const client = db.knex.client as Knex.Client
  return retryWhileBusy(busyLimitOf(client), async () => {
    const handle = (await client.acquireConnection()) as SqliteHandle
    try {
      return work(handle)
    } finally {
      await client.releaseConnection(handle)
    }
  })
}

/** maximum attempts of a transaction that the server rolls back in favour of others */
const ATTEMPTS_MAX = 3

/**
 * Runs work on one PostgreSQL connection; `work` names the statements it often sends, and rolls back what it began.
 * After a deadlock or a serialization failure it runs again: the server has rolled the transaction back. A broken
 * connection is not used again.
 */
export async function withPostgres<T>(db: Database, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const connection = (await db.prepared.acquireConnection()) as pg.PoolClient
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work(connection)
      } catch (error) {
        if (attempt === ATTEMPTS_MAX || !isRolledBack(error)) throw error
      }
    }
  } catch (error) {
    if (losesConnection(error)) staleFromNowOn(connection, error)
    throw error
  } finally {
    await db.prepared.releaseConnection(connection)
  }
}

/**
 * Pipelines statements on one PostgreSQL connection: all that `send` sends before it returns leave in one write, and
 * the server executes them in order. Then waits as `settled` does. `send` must not throw after its first statement:
 * nobody would wait for that one.
 */
export async function sendTogether<T extends readonly unknown[]>(
  client: pg.PoolClient,
  send: () => readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const { stream } = (client as unknown as { readonly connection: { readonly stream: Writable } }).connection
  stream.cork()
  let statements: readonly [...T]
  try {
    statements = send()
  } finally {
    stream.uncork()
  }
  return settled(statements)
}

/**
 * Waits for statements that were pipelined on one PostgreSQL connection. Throws the error of the first failure, but
 * only when all have ended: none may be pending when the connection is used again. In a transaction, statements
 * after a failed one do nothing, and its `commit` rolls it back; their errors do not hide the first, whatever the
 * order of `statements`.
 */
export async function settled<T extends readonly unknown[]>(
  statements: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const outcomes: PromiseSettledResult<unknown>[] = await Promise.allSettled(statements)
  const failures = outcomes.filter((one) => one.status === 'rejected')
  const first = failures.find(({ reason }) => !isAfterFailure(reason)) ?? failures[0]
  if (first) throw first.reason
  return outcomes.map((one) => (one as PromiseFulfilledResult<unknown>).value) as never
}
