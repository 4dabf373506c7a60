import { createRequire } from 'node:module'
import knexModule, { type Knex } from 'knex'
import pg from 'pg'
import { losesConnection } from './errors.ts'

const require = createRequire(import.meta.url)

// int8 holds ids and milliseconds, both far below 2^53; node-postgres would return them as strings.
pg.types.setTypeParser(pg.types.builtins.INT8, (text) => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`The database returned ${text}, beyond 2^53.`)
  return value
})

// knex writes its warnings to standard output, which belongs to the command's result. Errors are thrown anyway.
const SILENT = { warn() {}, error() {}, deprecate() {}, debug() {} }

/** maximum duration of a PostgreSQL statement; planning an export of millions of events takes the longest */
const QUERY_MS = 120_000
const LOCK_MS = 15_000
/**
 * A process that is frozen or cut off inside a transaction holds locks that others wait for. The server ends its
 * session after this time, which is less than they wait. No transaction of ours waits for anything but its own
 * statements; a snapshot takes no locks and sets its own limit.
 */
const IDLE_IN_TRANSACTION_MS = 8_000
/**
 * A host that vanishes closes no connection. The server notices when what it sends is not acknowledged, or not read,
 * for this time, and when a silent client does not answer: it is asked after `KEEPALIVE_S`, three times a second apart.
 * Our side asks as often. Without meaning for Unix sockets.
 */
const TCP_USER_TIMEOUT_MS = 8_000
const KEEPALIVE_S = 5
const KEEPALIVE_PROBES = 3

/**
 * PostgreSQL behind knex.
 *
 * The danger is a failover. Connections opened before it may lead to a server that has become a standby, or through a
 * proxy to one that is shutting down; each would fail again and again. One failure that indicates this
 * (`losesConnection`) therefore makes every older connection stale. A connection to a server that accepts no writes
 * is refused when it is opened: its rows may be out of date as well, and rights are decided on them.
 */
export function openPostgres(options: {
  url: string
  connectionsMax: number
  applicationName: string
  /** Counted up by each failure that makes older connections stale; shared by all that reach the same server. */
  failovers: Failovers
  /** Plans do not depend on values, so a statement with a name is planned once for each connection. */
  planOnce: boolean
}): Knex {
  return knexModule.knex({
    client: FailoverClient as unknown as typeof Knex.Client,
    connection: {
      connectionString: options.url,
      application_name: options.applicationName,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_S * 1_000,
      // Pipelining: statements that need no earlier result are sent at once, so a transaction takes fewer round
      // trips.
      pipeline: true,
      connectionTimeoutMillis: 10_000,
      // A server that neither answers nor closes the connection must not block a service for ever. The outcome of the
      // statement is unknown then.
      query_timeout: QUERY_MS,
    } as Knex.PgConnectionConfig,
    pool: { min: 0, max: options.connectionsMax },
    acquireConnectionTimeout: 15_000,
    log: SILENT,
    failovers: options.failovers,
    planOnce: options.planOnce,
  } as Knex.Config)
}

/** The error that ended this connection makes every older connection to the same server stale. */
export function staleFromNowOn(connection: pg.PoolClient, error: unknown): void {
  const held = connection as Held
  held.__knex__disposed ??= error
  if (held.opened && held.opened.generation === held.opened.pool.generation) held.opened.pool.generation += 1
}

/**
 * The server accepts no writes: a standby, or set to read-only. Has PostgreSQL's own code, so that it counts as
 * transient.
 */
class ReadOnlyServer extends Error {
  override name = 'ReadOnlyServer'
  readonly code = '25006'
  constructor() {
    super('The PostgreSQL server accepts no writes: it is a standby, or it was set to read-only.')
  }
}

type Failovers = { generation: number }

type Held = pg.PoolClient & {
  __knex__disposed?: unknown
  opened?: { readonly pool: Failovers; readonly generation: number }
}
type PgClientClass = new (
  ...args: unknown[]
) => Knex.Client & {
  readonly config: { readonly failovers: Failovers; readonly planOnce: boolean }
  _query(connection: Held, query: unknown): Promise<unknown>
  validateConnection(c: Held): Promise<boolean>
}
const PgClient = require('knex/lib/dialects/postgres/index.js') as PgClientClass

// knex creates the client of a transaction from this prototype without the constructor. `_query` runs there too, so
// it finds the pool's state through the connection.
class FailoverClient extends PgClient {
  override async acquireRawConnection(): Promise<Held> {
    const { failovers, planOnce } = this.config
    const { generation } = failovers
    const connection: Held = await super.acquireRawConnection()
    try {
      // Set here, not in the connection's startup parameters: PgBouncer refuses unknown ones there. No statement runs
      // so long that to compile it first would pay.
      const { rows } = await connection.query<{ standby: boolean; readOnly: string }>(
        `select set_config('statement_timeout', '${QUERY_MS}', false), set_config('lock_timeout', '${LOCK_MS}', false),
           set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', false),
           set_config('tcp_user_timeout', '${TCP_USER_TIMEOUT_MS}', false), set_config('tcp_keepalives_idle', '${KEEPALIVE_S}', false),
           set_config('tcp_keepalives_interval', '1', false), set_config('tcp_keepalives_count', '${KEEPALIVE_PROBES}', false),
           set_config('jit', 'off', false), set_config('plan_cache_mode', '${planOnce ? 'force_generic_plan' : 'auto'}', false),
           set_config('enable_seqscan', '${planOnce ? 'off' : 'on'}', false),
           pg_is_in_recovery() as standby, current_setting('transaction_read_only') as "readOnly"`,
      )
      if (rows[0]?.standby || rows[0]?.readOnly === 'on') throw new ReadOnlyServer()
    } catch (error) {
      await connection.end().catch(() => {})
      throw error
    }
    connection.opened = { pool: failovers, generation }
    return connection
  }

  override async validateConnection(connection: Held): Promise<boolean> {
    return connection.opened?.generation === this.config.failovers.generation && super.validateConnection(connection)
  }

  override async _query(connection: Held, query: unknown): Promise<unknown> {
    try {
      return await super._query(connection, query)
    } catch (error) {
      if (losesConnection(error)) staleFromNowOn(connection, error)
      throw error
    }
  }
}
