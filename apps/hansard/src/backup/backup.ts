import { mkdir, readdir } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '@hansard/clock'
import { digestOf } from '@hansard/durable-file'
import { openDatabase } from '@hansard/sql'
import { appendAudit, poolNameOnRecord, stagedNumbers } from '@hansard/staging'
import { misused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { counted } from '../cli/table.ts'
import { VERSION } from '../cli/version.ts'
import { BACKUP_MANIFEST, COMPLIANCE_COPY, POOL_COPY, writeBackupManifest } from './backup-manifest.ts'
import { type CopiedFile, copyFileDurably, filesBelow } from './copy-tree.ts'
import { listManifests } from './output-directory.ts'
import { requireWholePair } from './pair-is-whole.ts'
import { KEY_TEXTS, type PoolPlaces, placesOf } from './places.ts'
import { dumpPostgres, requireTools } from './postgres-dump.ts'
import { copySqlite } from './sqlite-copy.ts'

export type BackupOptions = {
  readonly data?: string | undefined
  readonly withoutFiles: boolean
  readonly json: boolean
}

/** Uploads that are only arriving belong to nobody yet. */
const ARRIVING = ['incoming']

/**
 * Makes a backup of a pool, running or not, in an empty directory, and verifies it.
 *
 * The order: the manifests in the output directory, the compliance database, the pool database, the file stores, the
 * keys. What is copied later has whatever what was copied earlier needs: the record may lack the newest events, and
 * the outbox of the later copy has them; each database may lack a file, and no file that it names is missing.
 */
export async function backupCommand(io: Io, target: string, options: BackupOptions): Promise<ExitCode> {
  const places = placesOf(io, options)
  const directory = resolve(target)
  if (places.edition === 'enterprise') await requireTools('pg_dump', 'pg_restore')
  await makeEmpty(directory)
  const startedAt = new Date(systemClock.now()).toISOString()
  const manifests = await listManifests(places.outputDirectory)
  await recordBackup(places, directory)

  const { pool, staged } = await copyDatabase(places, 'compliance', directory, async (knex) => ({
    pool: await poolNameOnRecord(knex),
    staged: await stagedNumbers(knex),
  }))
  await copyDatabase(places, 'pool', directory, (knex) => requireWholePair(staged, knex))
  const files: CopiedFile[] = []
  for (const name of [COMPLIANCE_COPY[places.edition], POOL_COPY[places.edition]])
    files.push({ name, ...(await digestOf(join(directory, name)))! })
  if (!options.withoutFiles)
    for (const [store, from] of Object.entries(places.stores))
      for (const name of await filesBelow(from, { skip: ARRIVING }))
        files.push(...(await copied(join(from, name), directory, `${store}/${name}`)))
  for (const [below, named] of Object.entries({ keys: places.keys, configuration: places.configuration }))
    for (const [name, from] of Object.entries(named)) files.push(...(await copied(from, directory, `${below}/${name}`)))

  const sha256 = await writeBackupManifest(directory, {
    edition: places.edition,
    pool,
    version: VERSION,
    startedAt,
    finishedAt: new Date(systemClock.now()).toISOString(),
    withoutFiles: options.withoutFiles,
    files,
    outputDirectory: { path: places.outputDirectory ?? '', manifests },
  })
  const left = KEY_TEXTS.filter((name) => places.edition === 'enterprise' && io.env.optional(name) !== undefined)
  answer(io, options.json, { directory, pool, sha256, files: files.length, manifests: manifests.length, left }, () =>
    [
      `Backup of the pool ${pool} in ${directory}: ${counted(files.length, 'file')}, each read again.\n`,
      `The SHA-256 of ${BACKUP_MANIFEST} is ${sha256}\n`,
      `It lists ${counted(manifests.length, 'manifest')} of the output directory, whose files are not in it.\n`,
      ...left.map((name) => `The key in ${name} is not in it: keep it elsewhere.\n`),
      'It holds private keys and everything that was said: protect it as you protect the pool.\n',
    ].join(''),
  )
  return 0
}

/** Who made or restored a backup: it is done by somebody on a machine, and not through the pool. */
export const actorHere = () => `${userInfo().username}@${hostname()}`

async function copied(from: string, directory: string, name: string): Promise<CopiedFile[]> {
  const file = await copyFileDurably(from, join(directory, name))
  return file ? [{ name, ...file }] : []
}

async function copyDatabase<T>(
  places: PoolPlaces,
  which: 'pool' | 'compliance',
  directory: string,
  read: Parameters<typeof copySqlite<T>>[2],
): Promise<T> {
  const from = which === 'pool' ? places.poolDatabase : places.complianceDatabase
  const to = join(directory, (which === 'pool' ? POOL_COPY : COMPLIANCE_COPY)[places.edition])
  return places.edition === 'standard' ? copySqlite(from, to, read) : dumpPostgres(from, to, read)
}

/** In the audit trail before anything is copied: the backup has the record of itself. */
async function recordBackup({ edition, complianceDatabase }: PoolPlaces, directory: string): Promise<void> {
  const url = edition === 'standard' ? `sqlite:${complianceDatabase}` : complianceDatabase
  const db = openDatabase({ url, connectionsMax: 2, applicationName: 'hansard backup' })
  try {
    const [at, actor] = [systemClock.now(), actorHere()]
    await appendAudit(db.knex, { at, actor, action: 'backed-up', object: directory, detail: { version: VERSION } })
  } finally {
    await db.close()
  }
}

async function makeEmpty(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  if ((await readdir(directory)).length > 0)
    throw misused(`${directory} is not empty.`, 'A backup goes into a directory of its own.')
}
