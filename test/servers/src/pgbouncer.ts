import { chmod, chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unprivilegedOwner } from './init-cluster.ts'
import { startKillableServer } from './killable-server.ts'
import { launch, type ServerProcess } from './server-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const PROGRAM = '/usr/sbin/pgbouncer'

type PgBouncer = ServerProcess & { urlOf(database: string): string }

/** A PgBouncer in front of the PostgreSQL at `url`, with Debian's settings except for `poolMode`. */
export async function startPgBouncer({
  url,
  poolMode,
}: {
  url: string
  poolMode: 'session' | 'transaction'
}): Promise<PgBouncer> {
  const target = new URL(url)
  const owner = await unprivilegedOwner()
  const directory = await temporaryDirectory('pgbouncer')
  const users = join(directory, 'users.txt')
  const settings = join(directory, 'pgbouncer.ini')
  await writeFile(users, `"${target.username}" ""\n`)
  for (const path of [directory, users]) {
    await chmod(path, path === directory ? 0o755 : 0o644)
    if (owner) await chown(path, owner.uid, owner.gid)
  }
  const launchOn = async (port: number) => {
    await writeFile(
      settings,
      [
        '[databases]',
        `* = host=${target.hostname} port=${target.port} user=${target.username}`,
        '[pgbouncer]',
        'listen_addr = 127.0.0.1',
        `listen_port = ${port}`,
        'unix_socket_dir =',
        'auth_type = trust',
        `auth_file = ${users}`,
        `pool_mode = ${poolMode}`,
        '',
      ].join('\n'),
    )
    if (owner) await chown(settings, owner.uid, owner.gid)
    return launch({ program: PROGRAM, args: [settings], ...owner, endSignal: 'SIGKILL', ready: /process up/ })
  }
  const server = await startKillableServer({ scheme: 'tcp', directory, launchOn })
  const urlOf = (database: string) => `postgres://${target.username}@127.0.0.1:${server.port}/${database}`
  return Object.assign(server, { urlOf })
}
