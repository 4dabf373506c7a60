import { existsSync } from 'node:fs'
import { chmod, statfs } from 'node:fs/promises'
import { availableMemory } from 'node:process'
import { temporaryDirectory } from './temporary-directory.ts'

const MEMORY = '/dev/shm'
const BYTES_MIN = 8 * 1_024 ** 3

/**
 * A directory in memory for all temporary files of a run; undefined where the machine has no room for it.
 *
 * On a disk, the thousands of files of short-lived PostgreSQL databases and the flushes of SQLite take much of a
 * run's CPU time. Tests kill processes, never the machine, so what a commit promises holds in memory too.
 */
export async function memoryDirectory(): Promise<string | undefined> {
  if (!(await hasRoom().catch(() => false))) return undefined
  const directory = await temporaryDirectory('run', MEMORY)
  // Servers that run as another user have directories of their own in it.
  await chmod(directory, 0o711)
  return directory
}

async function hasRoom(): Promise<boolean> {
  if (!existsSync(MEMORY)) return false
  const { bavail, bsize } = await statfs(MEMORY)
  return Math.min(bavail * bsize, availableMemory()) >= BYTES_MIN
}
