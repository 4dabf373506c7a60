import { execFile } from 'node:child_process'
import { chown, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { postgresBin, unprivilegedOwner } from './init-cluster.ts'
import { launchOnFreePort } from './launch-on-free-port.ts'
import { end, launch } from './server-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const run = promisify(execFile)

/** A hot standby that follows a primary until it is promoted. */
type PostgresStandby = AsyncDisposable & {
  readonly port: number
  urlOf(database: string): string
  /** Resolves once it accepts writes. */
  promote(): Promise<void>
  stop(): Promise<void>
}

export async function startPostgresStandby({ of: primary }: { of: { url: string } }): Promise<PostgresStandby> {
  const bin = postgresBin()
  const owner = await unprivilegedOwner()
  const directory = await temporaryDirectory('standby')
  if (owner) await chown(directory, owner.uid, owner.gid)
  const data = join(directory, 'data')
  await run(
    join(bin, 'pg_basebackup'),
    ['-D', data, '-d', primary.url, '--write-recovery-conf', '--checkpoint=fast', '--wal-method=stream', '--no-sync'],
    { ...owner, cwd: '/', env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' } },
  )
  const { child, port } = await launchOnFreePort((port) =>
    launch({
      program: join(bin, 'postgres'),
      args: [
        '-D',
        data,
        '-p',
        String(port),
        '-h',
        '127.0.0.1',
        '-k',
        '',
        '-c',
        'max_connections=200',
        '-c',
        'fsync=off',
      ],
      ...owner,
      endSignal: 'SIGQUIT',
      ready: /database system is ready to accept read-only connections/,
    }),
  )
  const urlOf = (database: string) => `postgres://hansard@127.0.0.1:${port}/${database}`
  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= (async () => {
      await end(child, 'SIGQUIT')
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    })()
    return stopping
  }
  return {
    port,
    urlOf,
    async promote() {
      const client = new pg.Client({ connectionString: urlOf('postgres') })
      await client.connect()
      try {
        await client.query('select pg_promote(true, 30)')
      } finally {
        await client.end()
      }
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
