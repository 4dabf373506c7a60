import pg from 'pg'
import { askRun } from './ask-run.ts'
import { type PostgresServer, startPostgres } from './postgres.ts'
import type { Template } from './template.ts'

/** Databases on the run's one PostgreSQL. It must not be stopped or filled: a test that does starts its own. */
export type SharedPostgres = AsyncDisposable & {
  /** Creates a database, empty or from a template, and returns its URL. Other files may use the same name. */
  createDatabase(name: string, from?: Template): Promise<string>
  /** Drops the databases created here, even with open connections. Idempotent. */
  stop(): Promise<void>
}

/** The run's PostgreSQL. Without a run (a bench, a script) it is a private server. */
export async function sharePostgres(): Promise<SharedPostgres> {
  const told = await askRun('postgres')
  const own: PostgresServer | undefined = told ? undefined : await startPostgres()
  const url = told?.url ?? own!.url
  const generation = (await askRun('templates'))?.generation ?? 1
  const made: string[] = []

  const shared: SharedPostgres = {
    async createDatabase(name, from) {
      // PostgreSQL truncates names to 63 bytes.
      const unique = `${name.slice(0, 40)}_${crypto.randomUUID().slice(0, 18)}`
      await withClient(url, async (client) => {
        const source = from ? ` template ${client.escapeIdentifier(await prepared(client, url, from, generation))}` : ''
        await client.query(`create database ${client.escapeIdentifier(unique)}${source}`)
      })
      made.push(unique)
      return urlOf(url, unique)
    },
    async stop() {
      if (own) return own.stop()
      const names = made.splice(0)
      if (names.length === 0) return
      await withClient(url, async (client) => {
        for (const name of names)
          await client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`)
      })
    },
    [Symbol.asyncDispose]: () => shared.stop(),
  }
  return shared
}

/** Creates the template unless it exists, and returns its name. One worker creates it while the others wait. */
async function prepared(client: pg.Client, url: string, from: Template, generation: number): Promise<string> {
  const name = `template_${from.name}_${generation}`
  if (await exists(client, name)) return name
  await client.query('select pg_advisory_lock(hashtext($1))', [name])
  try {
    if (await exists(client, name)) return name
    // A worker that was killed while creating it may have left half of it.
    const making = client.escapeIdentifier(`${name}_making`)
    await client.query(`drop database if exists ${making} with (force)`)
    await client.query(`create database ${making}`)
    await from.prepare(urlOf(url, `${name}_making`))
    await client.query(`alter database ${making} rename to ${client.escapeIdentifier(name)}`)
    return name
  } finally {
    await client.query('select pg_advisory_unlock(hashtext($1))', [name])
  }
}

async function exists(client: pg.Client, name: string): Promise<boolean> {
  return ((await client.query('select from pg_database where datname = $1', [name])).rowCount ?? 0) > 0
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

function urlOf(server: string, database: string): string {
  const url = new URL(server)
  url.pathname = `/${encodeURIComponent(database)}`
  return url.href
}
