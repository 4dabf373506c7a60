import { type ChildProcess, execFile, execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chown, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { launchOnFreePort } from './launch-on-free-port.ts'
import { end, launch, NotStarted, type ServerProcess } from './server-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const run = promisify(execFile)

export type PostgresServer = ServerProcess & {
  /** Makes an empty database and answers its URL. */
  createDatabase(name: string, options?: { encoding?: string }): Promise<string>
  /** Sets a parameter of the running server; `undefined` returns it to what it was started with. */
  setParameter(name: string, value: string | undefined): Promise<void>
}

/**
 * A PostgreSQL of the caller's own.
 *
 * With `durable: false` (the default) commits are handed to the kernel and not flushed to the disk. They survive
 * `kill()`, and tests are several times faster. (`synchronous_commit=off` would lose them: it keeps them in
 * PostgreSQL's own memory.) A bench that measures commits says `durable: true`.
 */
export async function startPostgres({ durable = false }: { durable?: boolean } = {}): Promise<PostgresServer> {
  const bin = postgresBin()
  const owner = await unprivilegedOwner()
  const directory = await temporaryDirectory('postgres')
  if (owner) await chown(directory, owner.uid, owner.gid)
  const data = join(directory, 'data')
  await run(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'hansard', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    { ...owner, cwd: '/', env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' } },
  )

  const flushing = durable ? [] : ['-c', 'fsync=off', '-c', 'full_page_writes=off']
  const launchOn = (port: number) =>
    launch({
      program: join(bin, 'postgres'),
      // biome-ignore format: one setting a line
      args: [
        '-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '',
        '-c', 'max_connections=200', '-c', 'shared_buffers=64MB', '-c', 'lc_messages=C', ...flushing,
      ],
      ...owner,
      endSignal: 'SIGQUIT',
      ready: /database system is ready to accept connections/,
    })

  let { child, port } = await launchOnFreePort(launchOn)
  const urlOf = (database: string) => `postgres://hansard@127.0.0.1:${port}/${database}`
  const asOwner = async (work: (client: pg.Client) => Promise<unknown>): Promise<void> => {
    const client = new pg.Client({ connectionString: urlOf('postgres') })
    await client.connect()
    try {
      await work(client)
    } finally {
      await client.end()
    }
  }
  let stopping: Promise<void> | undefined

  const server: PostgresServer = {
    port,
    url: urlOf('postgres'),
    get pid() {
      return child.pid as number
    },
    async createDatabase(name, { encoding } = {}) {
      const other = encoding === undefined ? '' : ` encoding ${pg.escapeLiteral(encoding)} template template0`
      await asOwner((client) => client.query(`create database ${client.escapeIdentifier(name)}${other}`))
      return urlOf(encodeURIComponent(name))
    },
    setParameter: (name, value) =>
      asOwner(async (client) => {
        // A server that was made read-only takes this command all the same.
        const to = value === undefined ? `reset ${name}` : `set ${name} = ${pg.escapeLiteral(value)}`
        await client.query(`alter system ${to}`)
        await client.query('select pg_reload_conf()')
      }),
    kill: () => end(child, 'SIGKILL'),
    async restart() {
      await end(child, 'SIGKILL')
      child = await launchAfterCrash(() => launchOn(port))
    },
    stop() {
      stopping ??= (async () => {
        // SIGQUIT ends every backend at once; what they were doing does not matter any more.
        await end(child, 'SIGQUIT')
        await rm(directory, { recursive: true, force: true, maxRetries: 5 })
      })()
      return stopping
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
  return server
}

/** Backends outlive a killed postmaster for a moment and hold its shared memory; until they notice, it refuses to start. */
async function launchAfterCrash(launchAgain: () => Promise<ChildProcess>): Promise<ChildProcess> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launchAgain()
    } catch (error) {
      if (attempt === 50 || !(error instanceof NotStarted)) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

const VERSION_MIN = 15

/** The directory that holds both `initdb` and `postgres`. Debian keeps them off the PATH. */
export function postgresBin(): string {
  const told = process.env['HANSARD_TEST_POSTGRES_BIN']
  const packaged = ['/usr/lib/postgresql', '/usr/local/lib/postgresql']
    .filter(existsSync)
    .flatMap((root) =>
      readdirSync(root).map((version) => ({ version: Number(version), bin: join(root, version, 'bin') })),
    )
    .filter(({ version }) => version >= VERSION_MIN)
    .sort((a, b) => b.version - a.version)
    .map(({ bin }) => bin)
  const candidates = [...(told ? [told] : []), ...packaged, ...(process.env['PATH'] ?? '').split(delimiter)]
  const found = candidates.find(
    (bin) => existsSync(join(bin, 'initdb')) && versionOf(join(bin, 'postgres')) >= VERSION_MIN,
  )
  if (!found)
    throw new Error(`PostgreSQL ${VERSION_MIN} or later is not installed: nowhere are both initdb and postgres.`)
  return found
}

function versionOf(postgres: string): number {
  if (!existsSync(postgres)) return 0
  return Number(/\d+/.exec(execFileSync(postgres, ['--version']).toString())?.[0] ?? 0)
}

/** PostgreSQL refuses to run as root. */
export async function unprivilegedOwner(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const idOf = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout)
  return { uid: await idOf('-u'), gid: await idOf('-g') }
}
