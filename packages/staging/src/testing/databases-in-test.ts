import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '@hansard/sql'
import { copyOfTemplate, template } from '@hansard/test-servers'
import { migrateStaging } from '../migrations.ts'

export const COMPLIANCE = template('compliance', openDatabase, migrateStaging)

/** An empty compliance database in its own file. Closing it removes the file. */
export async function complianceSqlite(): Promise<Database & { readonly url: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'hansard-staging-'))
  const url = await copyOfTemplate(COMPLIANCE, join(directory, 'compliance.db'))
  const db = openDatabase({ url })
  const close = async () => {
    await db.close()
    await rm(directory, { recursive: true, force: true })
  }
  return { ...db, url, close }
}

/** An empty compliance database on a PostgreSQL server of the caller's. */
export async function compliancePostgres(url: string): Promise<Database & { readonly url: string }> {
  const db = openDatabase({ url, connectionsMax: 8 })
  await migrateStaging(db)
  return { ...db, url }
}
