import { type Database, type Knex, type Migration, migrate } from '@hansard/sql'
import { createConfigurationTables } from './migrations/configuration.ts'
import { createExportTables } from './migrations/exports.ts'
import { createFileCheck } from './migrations/file-check.ts'
import { createPoolName } from './migrations/pool-name.ts'
import { createStagedTables } from './migrations/staged.ts'
import { createWorkTables } from './migrations/work.ts'

/**
 * The compliance database. Migrations go forward only: undoing one does not restore a record. Times are milliseconds
 * since 1970 UTC.
 */
const STAGING_MIGRATIONS: readonly Migration[] = [
  {
    name: 'the record',
    async up(tx: Knex.Transaction, dialect) {
      await createStagedTables(tx)
      await createExportTables(tx, dialect)
      await createWorkTables(tx)
    },
  },
  { name: 'what is exported, as operators set it', up: createConfigurationTables },
  { name: 'which pool it belongs to', up: createPoolName },
  { name: 'checks of sealed files', up: createFileCheck },
]

export function migrateStaging(db: Database): Promise<void> {
  return migrate(db, STAGING_MIGRATIONS)
}
