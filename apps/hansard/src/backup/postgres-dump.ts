import { spawn } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { type Database, type Knex, openDatabase, withSnapshot } from '@hansard/sql'
import { CommandFailure, refused } from '../cli/command-failure.ts'

const OUTPUT_MAX = 64 * 1024 * 1024
const SHOWN = 2_000

/**
 * Dumps a PostgreSQL database that may be in use, as it is in one snapshot, which `read` sees too. The dump is listed
 * afterwards and must have the rows of every table.
 */
export async function dumpPostgres<T>(url: string, to: string, read: (snapshot: Knex) => Promise<T>): Promise<T> {
  const db = openDatabase({ url, connectionsMax: 2, applicationName: 'hansard backup' })
  try {
    return await withSnapshot(db, async (tx) => {
      // pg_dump may take hours. This session holds its snapshot until then and no lock.
      await tx.raw('set local idle_in_transaction_session_timeout = 0')
      const result = await read(tx)
      const { rows } = await tx.raw('select pg_export_snapshot() as snapshot')
      const tables = await tablesOf(tx)
      const args = [
        '--format=custom',
        '--no-owner',
        '--no-privileges',
        `--file=${to}`,
        `--snapshot=${rows[0].snapshot}`,
      ]
      await runTool('pg_dump', args, url)
      await chmod(to, 0o600)
      await requireTables(to, tables)
      return result
    })
  } finally {
    await db.close()
  }
}

/** The tables of the database, without those of extensions' own schemas. */
async function tablesOf(knex: Knex): Promise<string[]> {
  const rows: { table_name: string }[] = await knex('information_schema.tables')
    .where({ table_schema: 'public', table_type: 'BASE TABLE' })
    .select('table_name')
  return rows.map(({ table_name }) => table_name)
}

/** `pg_restore --list` can read the dump, and it has the rows of these tables. */
async function requireTables(dump: string, tables: readonly string[]): Promise<void> {
  const listed = await runTool('pg_restore', ['--list', dump])
  const found = new Set([...listed.matchAll(/ TABLE DATA public (\S+) /g)].map(([, table]) => table))
  const missing = tables.find((table) => !found.has(table))
  if (missing !== undefined) throw refused(`${dump} does not have the table ${missing}. It is no backup.`)
  if (found.size === 0) throw refused(`${dump} has no tables. It is no backup.`)
}

/** The tables in a PostgreSQL database, and the sessions of others on it. */
export async function usersOf(db: Database): Promise<{ tables: string[]; sessions: string[] }> {
  const { rows }: { rows: { name: string }[] } = await db.knex.raw(
    `select distinct coalesce(nullif(application_name, ''), 'unnamed') as name from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and application_name <> 'hansard restore'`,
  )
  return { tables: await tablesOf(db.knex), sessions: rows.map(({ name }) => name) }
}

/** Fills an empty database from a dump: all of it or nothing. */
export async function restoreDump(url: string, dump: string): Promise<void> {
  const args = ['--exit-on-error', '--single-transaction', '--no-owner', '--no-privileges']
  await runTool('pg_restore', [...args, `--dbname=${withoutPassword(url)}`, dump], url)
}

/** Fails with a sentence when the tools of PostgreSQL are not installed, before anything is written. */
export async function requireTools(...tools: readonly ('pg_dump' | 'pg_restore')[]): Promise<void> {
  for (const tool of tools) await runTool(tool, ['--version'])
}

/** Runs a tool of PostgreSQL. The password goes through its environment: others can read the arguments of a process. */
async function runTool(tool: 'pg_dump' | 'pg_restore', args: readonly string[], url?: string): Promise<string> {
  const password = url === undefined ? '' : decodeURIComponent(new URL(url).password)
  const child = spawn(tool, tool === 'pg_dump' && url ? [...args, `--dbname=${withoutPassword(url)}`] : args, {
    env: { ...process.env, LC_ALL: 'C', ...(password === '' ? {} : { PGPASSWORD: password }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [output, errors] = ['', '']
  child.stdout.on('data', (data: Buffer) => {
    if (output.length < OUTPUT_MAX) output += data.toString()
  })
  child.stderr.on('data', (data: Buffer) => {
    if (errors.length < SHOWN) errors += data.toString()
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => reject(notFound(tool, error)))
    child.on('close', resolve)
  })
  if (code === 0) return output
  throw refused(
    `${tool} ended with ${code}: ${errors.trim().slice(0, SHOWN)}`,
    /server version/.test(errors) ? `Install a ${tool} that is as new as the server.` : undefined,
  )
}

function notFound(tool: string, error: NodeJS.ErrnoException): Error {
  if (error.code !== 'ENOENT') return error
  return new CommandFailure(2, `${tool} is not on the PATH: a PostgreSQL database is copied with its own tools.`, {
    hint: 'Install the client programs of PostgreSQL (on Debian: apt-get install postgresql-client), as new as the server.',
    cause: error,
  })
}

function withoutPassword(url: string): string {
  const parsed = new URL(url)
  parsed.password = ''
  return parsed.href
}
