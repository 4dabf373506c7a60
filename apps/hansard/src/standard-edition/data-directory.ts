import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { SIGNING_KEY_FILE } from '@hansard/compliance-worker'
import { TOKEN_KEY_FILE } from '@hansard/credentials'
import { openDatabase } from '@hansard/sql'
import { CommandFailure } from '../cli/command-failure.ts'

/** Where a Standard Edition pool keeps everything. Copying the directory of a stopped pool is a backup of it. */
type DataDirectory = {
  readonly root: string
  readonly poolDatabase: string
  readonly complianceDatabase: string
  readonly exports: string
  /** the bytes of the files that people handed over, as participants are served them */
  readonly files: string
  /** the bytes of every file that was put up, for as long as the record of it is kept */
  readonly complianceFiles: string
  /** how local commands find a running pool; readable by its owner only */
  readonly runFile: string
  /** what the compliance worker exports to; made on the first start, edited by the operator */
  readonly adaptersFile: string
  /** the keys that sign tokens; made on the first start, readable by its owner only */
  readonly tokenKeyFile: string
  /** the key that signs pool manifests; made on the first start, readable by its owner only */
  readonly signingKeyFile: string
}

export function dataDirectory(directory: string): DataDirectory {
  const root = resolve(directory)
  return {
    root,
    poolDatabase: `sqlite:${join(root, 'pool.db')}`,
    complianceDatabase: `sqlite:${join(root, 'compliance.db')}`,
    exports: join(root, 'exports'),
    files: join(root, 'files'),
    complianceFiles: join(root, 'compliance-files'),
    runFile: join(root, 'run.json'),
    adaptersFile: join(root, 'adapters.json'),
    tokenKeyFile: join(root, TOKEN_KEY_FILE),
    signingKeyFile: join(root, SIGNING_KEY_FILE),
  }
}

/**
 * Makes this process the only pool on a data directory, until it ends, however it ends.
 *
 * The lock is an exclusive transaction on a small SQLite file that is never committed: the operating system lets go
 * of it when the process dies, so there is no stale lock to remove after a crash.
 */
export async function lockDataDirectory(directory: DataDirectory): Promise<() => Promise<void>> {
  makeDirectory(directory.root)
  const lock = openDatabase({ url: `sqlite:${join(directory.root, 'lock.db')}` })
  try {
    await lock.knex.raw('pragma busy_timeout = 0')
    await lock.knex.raw('pragma journal_mode = DELETE')
    await lock.knex.raw('begin exclusive')
  } catch (error) {
    await lock.close()
    if (/SQLITE_BUSY|database is locked/.test(String((error as { code?: string }).code) + String(error)))
      throw new DirectoryInUse(directory)
    if (/SQLITE_CANTOPEN|unable to open/.test(String((error as { code?: string }).code) + String(error)))
      throw unfit(directory.root, 'no file can be made in it.', error)
    throw error
  }
  return () => lock.close()
}

/** Level by level: asked for all at once, Node tries for ever where a file system (/proc) refuses new directories. */
function makeDirectory(root: string): void {
  const missing: string[] = []
  let existing = root
  for (; !existsSync(existing); existing = dirname(existing)) missing.unshift(existing)
  if (!statSync(existing).isDirectory()) throw unfit(root, `${existing} is not a directory.`)
  try {
    accessSync(existing, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw unfit(root, `${existing} may not be written to.`, error)
  }
  for (const level of missing) {
    try {
      mkdirSync(level, { mode: 0o700 })
    } catch (error) {
      throw unfit(root, `${level} cannot be made (${(error as NodeJS.ErrnoException).code}).`, error)
    }
  }
}

function unfit(root: string, why: string, cause?: unknown): CommandFailure {
  return new CommandFailure(2, `${root} cannot hold a pool: ${why}`, {
    hint: 'Name another directory with --data.',
    cause,
  })
}

/** Another pool is running on the directory; nothing was touched. */
class DirectoryInUse extends Error {
  override name = 'DirectoryInUse'
  readonly hint: string
  constructor({ root }: DataDirectory) {
    super(`Another pool is running on ${root}.`)
    this.hint = 'Stop it, or start this one with --data on another directory.'
  }
}
