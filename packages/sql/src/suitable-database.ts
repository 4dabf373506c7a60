import type { Knex } from 'knex'
import type pg from 'pg'
import type { Database } from './database.ts'
import { isTransient } from './errors.ts'

/** Needs an operator: the database, or a pooler in front of it, cannot hold the record. Nothing was changed. */
export class UnsuitableDatabase extends Error {
  override name = 'UnsuitableDatabase'
  readonly exitCode = 2
}

/** Transient: the database is unreachable. The message contains its address but not the password. */
class DatabaseUnreachable extends Error {
  override name = 'DatabaseUnreachable'
  readonly exitCode = 3
}

/**
 * Refuses a database that would later lose or refuse text: one that is not in UTF-8 cannot store every chat, and a
 * pooler in transaction mode loses the prepared statements of the hot path.
 */
export async function refuseUnsuitable(db: Database): Promise<void> {
  if (db.dialect === 'sqlite') {
    const [row]: { encoding: string }[] = await db.knex.raw('pragma encoding')
    if (row && row.encoding !== 'UTF-8')
      throw new UnsuitableDatabase(`The database is encoded in ${row.encoding}; it must be UTF-8.`)
    return
  }
  const { rows }: { rows: { name: string; encoding: string }[] } = await db.knex
    .raw(`select current_database() as name, current_setting('server_encoding') as encoding`)
    .catch((error: unknown) => {
      throw notReached(db, error)
    })
  const { name, encoding } = rows[0]!
  if (encoding !== 'UTF8') {
    throw new UnsuitableDatabase(
      `The database ${name} is encoded in ${encoding}; it must be UTF8. Create it with: create database ${name} encoding 'UTF8' template template0`,
    )
  }
  if (await changesSession(db)) {
    throw new UnsuitableDatabase(
      `The database ${name} is behind a pooler that assigns sessions per transaction. Set PgBouncer's pool_mode to session, or connect to PostgreSQL itself.`,
    )
  }
}

function notReached(db: Database, error: unknown): Error {
  const { connectionString } = (db.knex.client as Knex.Client).config.connection as { connectionString: string }
  const where = URL.canParse(connectionString) ? new URL(connectionString) : undefined
  const name = where ? `${where.host}${where.pathname}` : 'the URL'
  const { code, message } = error as { code?: string; message?: string }
  const words = (message || code || String(error)).replace(/\.$/, '')
  if (isTransient(error))
    return new DatabaseUnreachable(`The database at ${name} cannot be used now: ${words}.`, { cause: error })
  // A wrong password, a missing database, or no right to connect.
  return new UnsuitableDatabase(`The database at ${name} refuses the connection: ${words}.`, { cause: error })
}

/** How often two connections are compared: on a busy pooler they may get the same sessions by chance. */
const PROBES = 10

/**
 * Whether two open connections share a session of the server, or one of them changes its session: then a pooler
 * assigns sessions per transaction. PostgreSQL itself reports the session when a connection opens; a pooler invents a
 * number.
 */
async function changesSession(db: Database): Promise<boolean> {
  const client = db.knex.client as Knex.Client
  const [one, other] = (await Promise.all([client.acquireConnection(), client.acquireConnection()])) as [Probed, Probed]
  try {
    const first = await sessionOf(one)
    if (first === one.processID) return false
    for (let probe = 0; probe < PROBES; probe += 1) {
      if ((await sessionOf(other)) === first || (await sessionOf(one)) !== first) return true
    }
    return false
  } finally {
    await Promise.all([client.releaseConnection(one), client.releaseConnection(other)])
  }
}

type Probed = pg.PoolClient & { readonly processID?: number | null }

async function sessionOf(connection: Probed): Promise<number> {
  const { rows } = await connection.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]!.pid
}
