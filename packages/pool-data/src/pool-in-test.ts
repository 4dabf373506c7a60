import { createWriteStream, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ManualClock } from '@hansard/clock'
import { type ComplianceEvent, decodeEvent } from '@hansard/compliance-event'
import { type FileStores, openFileStores } from '@hansard/file-store'
import {
  createPrincipals,
  createRecordWriter,
  findPrincipal,
  POOL_MIGRATIONS,
  type Principal,
  poolSettings,
  type RecordWriter,
  startSource,
} from '@hansard/pool-store'
import { type Database, type Dialect, migrate, openDatabase } from '@hansard/sql'
import { copyOfTemplate, type SharedPostgres, sharePostgres, template } from '@hansard/test-servers'
import { openPromise } from 'yauzl'
import type { ExportOptions } from './export-data.ts'
import type { ImportOptions } from './import-data.ts'
import { type DataReport, exportData, importData, openDataFile } from './index.ts'
import type { DataFile } from './open-data-file.ts'

export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
export const DOMAIN = 'example.com'

/** A pool with an administrator and the default category, to export from and import into. */
export type PoolInTest = {
  readonly db: Database
  readonly url: string
  readonly directory: string
  readonly admin: Principal
  readonly writer: RecordWriter
  readonly poolRoomId: number
  readonly clock: ManualClock
  exportTo(path: string, options?: Partial<ExportOptions>): Promise<DataReport>
  /** `through`: what the import reads instead of the file */
  importFrom(
    path: string,
    options?: Partial<ImportOptions> & { through?: (file: DataFile) => DataFile },
  ): Promise<DataReport>
  events(): Promise<ComplianceEvent[]>
  fileStores(): Promise<FileStores>
  close(): Promise<void>
}

const POOL = template('pool', openDatabase, (db) => migrate(db, POOL_MIGRATIONS))
let sources = 0

/** `shared`: a server to make a database on; without it a pool on PostgreSQL has one of its own. */
export async function openPoolInTest(dialect: Dialect, pool = 'one', shared?: SharedPostgres): Promise<PoolInTest> {
  const own = dialect === 'postgres' && !shared ? await sharePostgres() : undefined
  const server = dialect === 'postgres' ? (shared ?? own) : undefined
  const directory = mkdtempSync(join(tmpdir(), 'hansard-data-'))
  const url = await (server ? server.createDatabase('pool', POOL) : copyOfTemplate(POOL, join(directory, 'pool.db')))
  const opened = await openPoolAt(url, pool)
  return {
    ...opened,
    directory,
    fileStores: () =>
      openFileStores({ directory: join(directory, 'files'), complianceDirectory: join(directory, 'compliance-files') }),
    async close() {
      await opened.db.close()
      await own?.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export async function openPoolAt(
  url: string,
  pool: string,
): Promise<Omit<PoolInTest, 'directory' | 'fileStores' | 'close'>> {
  const clock = new ManualClock(NOW)
  const db = openDatabase({ url })
  await migrate(db, POOL_MIGRATIONS)
  const { poolRoomId } = await poolSettings(db, { pool, domain: DOMAIN })
  const account = 'operator'
  const roles = ['administrator'] as const
  await createPrincipals(db.knex, [
    { account, domain: DOMAIN, displayName: 'Operator', roles, secret: 'key$x', now: NOW },
  ])
  const admin = (await findPrincipal(db, { account }))!
  if (!(await db.knex('category').first('id')))
    await db
      .knex('category')
      .insert({ uri: `ma-cat://${DOMAIN}/${crypto.randomUUID()}`, name: 'General', created_at: NOW })
  const source = await startSource(db, { name: `${pool}-${++sources}`, endpoint: 'http://x', now: NOW })
  const writer = createRecordWriter({ db, clock, source, place: { pool: 'test' } })
  return {
    db,
    url,
    admin,
    writer,
    poolRoomId,
    clock,
    async exportTo(path, options = {}) {
      const deps = { db, clock, pool, domain: DOMAIN, by: admin.account, level: 'all' as const }
      const { stream, done } = await exportData({ ...deps, ...options })
      const [report] = await Promise.all([done, pipeline(stream, createWriteStream(path))])
      return report
    },
    async importFrom(path, { through = (file: DataFile) => file, ...options } = {}) {
      const file = await openDataFile(path)
      const deps = {
        db,
        clock,
        writer,
        actor: admin,
        poolRoomId,
        pool,
        by: admin.account,
        dryRun: false,
        origin: ORIGIN,
      }
      try {
        return await importData(through(file), { ...deps, ...options })
      } finally {
        file.close()
      }
    },
    async events() {
      const rows: { body: string }[] = await db.knex('outbox').orderBy(['source', 'epoch', 'seq']).select('body')
      return rows.map((row) => decodeEvent(row.body))
    },
  }
}

const ORIGIN = { name: 'pool-data.zip', sha256: '0'.repeat(64) }

/** The entries of a zip by name. */
export async function contentsOfZip(path: string): Promise<Map<string, string>> {
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false })
  const found = new Map<string, string>()
  for await (const entry of zip.eachEntry()) {
    const pieces: Uint8Array[] = []
    for await (const piece of await zip.openReadStreamPromise(entry)) pieces.push(piece as Uint8Array)
    found.set(entry.fileName, Buffer.concat(pieces).toString('latin1'))
  }
  zip.close()
  return found
}

/** The same without origin and time. */
export async function dataOfZip(path: string): Promise<Map<string, string>> {
  const found = await contentsOfZip(path)
  for (const name of ['about.json', 'report.json', 'report.html']) found.delete(name)
  return found
}
