import { mkdir, readdir, readFile, rename, rmdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { systemClock } from '@hansard/clock'
import { flushDirectory } from '@hansard/durable-file'
import { openDatabase } from '@hansard/sql'
import { appendAudit, migrateStaging } from '@hansard/staging'
import { misused, refused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { counted } from '../cli/table.ts'
import { VERSION } from '../cli/version.ts'
import { dataDirectory } from '../standard-edition/data-directory.ts'
import { actorHere } from './backup.ts'
import { type BackupManifest, COMPLIANCE_COPY, POOL_COPY, readBackup } from './backup-manifest.ts'
import { copyFileDurably } from './copy-tree.ts'
import { missingManifests } from './output-directory.ts'
import { type PoolPlaces, placesOf, standardPlaces } from './places.ts'
import { requireTools, restoreDump, usersOf } from './postgres-dump.ts'
import { requireIntact } from './sqlite-copy.ts'

export type RestoreOptions = { readonly data?: string | undefined; readonly json: boolean }

const SHOWN = 10

/** Restores a backup into an empty place. Nothing is replaced: what is there must be moved aside first. */
export async function restoreCommand(io: Io, source: string, options: RestoreOptions): Promise<ExitCode> {
  const backup = resolve(source)
  const places = placesOf(io, options)
  const { manifest, sha256 } = await readBackup(backup)
  if (manifest.edition !== places.edition)
    throw misused(
      `${backup} is a backup of the ${manifest.edition} edition.`,
      manifest.edition === 'standard'
        ? 'Name the data directory to make with --data.'
        : 'Set HANSARD_POOL_DATABASE_URL and HANSARD_COMPLIANCE_DATABASE_URL, and the other settings of the services.',
    )
  const restoring = { backup, manifest, sha256 }
  if (places.edition === 'standard') await restoreStandard(places, restoring)
  else await restoreEnterprise(places, restoring)

  const missing = await missingManifests(places.outputDirectory, manifest.outputDirectory.manifests)
  const listed = manifest.outputDirectory.manifests.length
  answer(io, options.json, { pool: manifest.pool, madeAt: manifest.finishedAt, sha256, missing }, () =>
    [
      `The pool ${manifest.pool} is restored as it was at ${manifest.startedAt}. Its audit trail says so.\n`,
      missing.length === 0
        ? `All ${counted(listed, 'manifest')} of that time are in the output directory.\n`
        : `${missing.length} of ${counted(listed, 'manifest')} of that time are not in the output directory as they were:\n`,
      ...missing.slice(0, SHOWN).map((name) => `  ${name}\n`),
      ...(missing.length === 0 ? [] : ['Bring them back before you start the pool: see docs/restoring.md.\n']),
    ].join(''),
  )
  return 0
}

type Restoring = { readonly backup: string; readonly manifest: BackupManifest; readonly sha256: string }

/** Into a directory beside it, which takes its name when it is complete. */
async function restoreStandard(places: PoolPlaces, { backup, manifest, sha256 }: Restoring): Promise<void> {
  const root = places.root!
  const there = await entriesOf(root)
  if (there.some((name) => name !== 'exports')) {
    if (await isRunning(root)) throw refused(`A pool is running on ${root}.`, 'Stop it, or name another directory.')
    throw refused(`${root} is not empty, and nothing in it is replaced.`, 'Move it aside; its `exports` may stay.')
  }
  const made = `${root}.restoring`
  if ((await entriesOf(made)).length > 0)
    throw refused(`${made} is there: a restore did not end.`, 'Remove it, then restore again.')
  await mkdir(made, { recursive: true, mode: 0o700 })
  const to = standardPlaces(made)
  const place = placesByName(to)
  for (const { name } of manifest.files) await put(join(backup, name), place(name))
  for (const database of [to.poolDatabase, to.complianceDatabase]) {
    const db = openDatabase({ url: `sqlite:${database}` })
    try {
      await requireIntact(db, database)
    } finally {
      await db.close()
    }
  }
  await recordRestore(`sqlite:${to.complianceDatabase}`, { manifest, sha256 })
  if (there.length > 0) await rename(join(root, 'exports'), to.outputDirectory!)
  await rmdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  await rename(made, root)
  await flushDirectory(dirname(root))
}

/** The run file of a pool that was killed stays, and names a process that is gone. */
async function isRunning(root: string): Promise<boolean> {
  try {
    process.kill(JSON.parse(await readFile(dataDirectory(root).runFile, 'utf8')).pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function restoreEnterprise(places: PoolPlaces, { backup, manifest, sha256 }: Restoring): Promise<void> {
  await requireTools('pg_restore')
  for (const url of [places.complianceDatabase, places.poolDatabase]) await requireUnused(url)
  const place = placesByName(places)
  const [databases, others] = [new Set<string>([COMPLIANCE_COPY.enterprise, POOL_COPY.enterprise]), manifest.files]
  const files = others.filter(({ name }) => !databases.has(name))
  for (const { name } of files) await requireFree(join(backup, name), place(name))
  for (const [store, path] of Object.entries(places.stores))
    if (!manifest.withoutFiles && (await entriesOf(path)).length > 0)
      throw refused(`${path} is not empty, and nothing in it is replaced.`, `Name an empty directory for ${store}.`)
  for (const { name } of files) await put(join(backup, name), place(name))
  await restoreDump(places.complianceDatabase, join(backup, COMPLIANCE_COPY.enterprise))
  await recordRestore(places.complianceDatabase, { manifest, sha256 })
  await restoreDump(places.poolDatabase, join(backup, POOL_COPY.enterprise))
}

async function requireUnused(url: string): Promise<void> {
  const db = openDatabase({ url, connectionsMax: 1, applicationName: 'hansard restore' })
  const name = new URL(url).pathname.slice(1)
  try {
    const { tables, sessions } = await usersOf(db)
    if (sessions.length > 0)
      throw refused(`The database ${name} is in use by ${sessions.slice(0, SHOWN).join(', ')}.`, 'Stop the pool first.')
    if (tables.length > 0)
      throw refused(
        `The database ${name} is not empty: it has ${counted(tables.length, 'table')}. Nothing in it is replaced.`,
        'Rename it (alter database … rename to …), and create an empty one.',
      )
  } finally {
    await db.close()
  }
}

/** Where a file of the backup goes. Throws for one that has no place here. */
function placesByName({ edition, poolDatabase, complianceDatabase, stores, keys, configuration }: PoolPlaces) {
  return (name: string): string => {
    if (name === POOL_COPY[edition]) return poolDatabase
    if (name === COMPLIANCE_COPY[edition]) return complianceDatabase
    const [first = '', ...rest] = name.split('/')
    const below = rest.join('/')
    const store = stores[first]
    const place = store === undefined ? (first === 'keys' ? keys : configuration)[below] : join(store, below)
    if (place !== undefined) return place
    throw misused(`The backup has ${name}, and no setting says where it goes.`, `Set the setting of ${first}.`)
  }
}

/** Refuses to replace a file with other bytes, such as the key of another pool. */
async function requireFree(from: string, to: string): Promise<void> {
  const there = await readFile(to).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (there && !there.equals(await readFile(from)))
    throw refused(`${to} is there with other content, and is not replaced.`, 'Move it aside.')
}

async function put(from: string, to: string): Promise<void> {
  if (!(await copyFileDurably(from, to))) throw new Error(`${from} has just disappeared.`)
}

async function recordRestore(
  url: string,
  { manifest, sha256 }: { manifest: BackupManifest; sha256: string },
): Promise<void> {
  const db = openDatabase({ url, connectionsMax: 2, applicationName: 'hansard restore' })
  try {
    await migrateStaging(db)
    await appendAudit(db.knex, {
      at: systemClock.now(),
      actor: actorHere(),
      action: 'restored-from-backup',
      object: manifest.pool,
      detail: { backup: sha256, startedAt: manifest.startedAt, finishedAt: manifest.finishedAt, version: VERSION },
    })
    if (db.dialect === 'sqlite') await db.knex.raw('pragma wal_checkpoint(truncate)')
  } finally {
    await db.close()
  }
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR' && (await stat(directory)).isFile())
      throw misused(`${directory} is not a directory.`)
    throw error
  }
}
