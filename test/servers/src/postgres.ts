import type { ChildProcess } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { askRun } from './ask-run.ts'
import { copyOfCluster, postgresBin, unprivilegedOwner } from './init-cluster.ts'
import { launchOnFreePort } from './launch-on-free-port.ts'
import { end, launch, NotStarted, type ServerProcess } from './server-process.ts'

export type PostgresServer = ServerProcess & {
  /** Creates an empty database and returns its URL. */
  createDatabase(name: string, options?: { encoding?: string }): Promise<string>
  /** Sets a parameter of the running server; `undefined` restores its value at the start. */
  setParameter(name: string, value: string | undefined): Promise<void>
  /** Works on the databases while nobody else reaches the server: a backup taken, or put in their place. */
  offline(work: (client: pg.Client) => Promise<unknown>): Promise<void>
}

/**
 * A private PostgreSQL.
 *
 * With `durable: false` (the default) commits are written to the kernel and not flushed to the disk. They survive
 * `kill()`, and tests are several times faster. (`synchronous_commit=off` would lose them: it keeps them in
 * PostgreSQL's own memory.) A bench that measures commits uses `durable: true`.
 */
export async function startPostgres({
  durable = false,
  connectionsMax = 200,
  cluster,
  unixSocket = false,
}: {
  durable?: boolean
  /** URLs lead to a Unix socket, which takes less CPU time than loopback */
  unixSocket?: boolean
  cluster?: { readonly directory: string }
  connectionsMax?: number
} = {}): Promise<PostgresServer> {
  const bin = postgresBin()
  const owner = await unprivilegedOwner()
  const { directory, data } = await copyOfCluster(cluster ?? (await askRun('cluster')))

  const socketDirectory = unixSocket && directory.length <= SOCKET_DIRECTORY_MAX ? directory : ''
  const flushing = durable ? [] : ['-c', 'fsync=off', '-c', 'full_page_writes=off']
  const launchOn = (port: number) =>
    launch({
      program: join(bin, 'postgres'),
      // biome-ignore format: one setting a line
      args: [
        '-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', socketDirectory,
        '-c', `max_connections=${connectionsMax}`, '-c', 'shared_buffers=64MB', '-c', 'lc_messages=C', ...flushing,
      ],
      ...owner,
      endSignal: 'SIGQUIT',
      ready: /database system is ready to accept connections/,
    })

  let { child, port } = await launchOnFreePort(launchOn)
  const query = socketDirectory === '' ? '' : `?host=${encodeURIComponent(socketDirectory)}`
  const urlOf = (database: string) => `postgres://hansard@127.0.0.1:${port}/${database}${query}`
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
        // A read-only server still accepts this command.
        const to = value === undefined ? `reset ${name}` : `set ${name} = ${pg.escapeLiteral(value)}`
        await client.query(`alter system ${to}`)
        await client.query('select pg_reload_conf()')
      }),
    async offline(work) {
      const usual = port
      await end(child, 'SIGINT')
      ;({ child, port } = await launchOnFreePort(launchOn))
      try {
        await asOwner(work)
      } finally {
        await end(child, 'SIGINT')
        port = usual
        child = await launchAfterCrash(() => launchOn(port))
      }
    },
    kill: () => end(child, 'SIGKILL'),
    async restart() {
      await end(child, 'SIGKILL')
      child = await launchAfterCrash(() => launchOn(port))
    },
    stop() {
      stopping ??= (async () => {
        // SIGQUIT ends every backend at once; their work does not matter any more.
        await end(child, 'SIGQUIT')
        await rm(directory, { recursive: true, force: true, maxRetries: 5 })
      })()
      return stopping
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
  return server
}

/** The path of a Unix socket has at most 107 bytes, the name of the socket included. */
const SOCKET_DIRECTORY_MAX = 88

/**
 * Backends outlive a killed postmaster for a moment and hold its shared memory; PostgreSQL refuses to start until
 * they exit.
 */
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
