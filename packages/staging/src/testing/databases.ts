import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '@hansard/sql'
import { migrateStaging } from '../migrations.ts'

/** An empty compliance database in a file of its own. Closing it removes the file. */
export async function complianceSqlite(): Promise<Database & { readonly url: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'hansard-staging-'))
  const url = `sqlite:${join(directory, 'compliance.db')}`
  const db = openDatabase({ url })
  await migrateStaging(db)
  const close = async () => {
    await db.close()
    await rm(directory, { recursive: true, force: true })
  }
  return { ...db, url, close }
}

/** An empty compliance database on a PostgreSQL of the caller's. */
export async function compliancePostgres(url: string): Promise<Database & { readonly url: string }> {
  const db = openDatabase({ url, connectionsMax: 8 })
  await migrateStaging(db)
  return { ...db, url }
}
