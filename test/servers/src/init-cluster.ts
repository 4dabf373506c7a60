import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryDirectory } from './temporary-directory.ts'

const run = promisify(execFile)

type Cluster = { readonly directory: string; readonly data: string }

/** A private directory prepared by initdb. The superuser is `hansard`, without a password. */
export async function initCluster(): Promise<Cluster> {
  const { owner, ...cluster } = await emptyCluster()
  await run(
    join(postgresBin(), 'initdb'),
    // biome-ignore format: one setting a line
    [
      '-D', cluster.data, '-U', 'hansard', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync',
      '--no-instructions',
    ],
    { ...owner, cwd: '/', env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' } },
  )
  return cluster
}

/** The same by copying a directory that was never started, in a tenth of the time; without one it runs initdb. */
export async function copyOfCluster(original: { readonly directory: string } | undefined): Promise<Cluster> {
  if (!original) return initCluster()
  const { owner, ...cluster } = await emptyCluster()
  await run('cp', ['-R', '-p', original.directory, cluster.data], { ...owner, cwd: '/' })
  return cluster
}

async function emptyCluster() {
  const owner = await unprivilegedOwner()
  const directory = await temporaryDirectory('postgres')
  if (owner) await chown(directory, owner.uid, owner.gid)
  return { owner, directory, data: join(directory, 'data') }
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
