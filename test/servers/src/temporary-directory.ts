import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A directory for one server of this process, or for its run. It also removes the directories of processes that
 * ended without doing so: a killed test run would otherwise leave 40 MB behind per PostgreSQL.
 */
export async function temporaryDirectory(
  purpose: 'postgres' | 'redis' | 'clamd' | 'nginx' | 'pgbouncer' | 'standby' | 'run',
  parent = tmpdir(),
): Promise<string> {
  const prefix = `hansard-${purpose}-`
  for (const name of await readdir(parent)) {
    const owner = name.startsWith(prefix) ? Number(/^\d+(?=-)/.exec(name.slice(prefix.length))?.[0]) : Number.NaN
    if (owner > 0 && !isAlive(owner)) await rm(join(parent, name), { recursive: true, force: true }).catch(() => {})
  }
  return mkdtemp(join(parent, `${prefix}${process.pid}-`))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
