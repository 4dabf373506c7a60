import { type Database, type Knex, type Migration, migrate } from '@hansard/sql'
import { createAnchors } from './migrations/anchors.ts'
import { chainAuditRecords } from './migrations/audit-chain.ts'
import { createAuditHeads } from './migrations/audit-heads.ts'
import { createConfigurationTables } from './migrations/configuration.ts'
import { createExportTables } from './migrations/exports.ts'
import { createFileCheck } from './migrations/file-check.ts'
import { createForks } from './migrations/forks.ts'
import { addIncomplete } from './migrations/incomplete.ts'
import { createPoolManifests } from './migrations/pool-manifests.ts'
import { createPoolName } from './migrations/pool-name.ts'
import { createSetBacks } from './migrations/set-backs.ts'
import { createIncarnations } from './migrations/sources.ts'
import { createStagedTables } from './migrations/staged.ts'
import { addLeaseLength } from './migrations/time.ts'
import { createTwoPeople } from './migrations/two-people.ts'
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
  { name: 'leases have a length', up: addLeaseLength },
  { name: 'the audit trail, chained', up: chainAuditRecords },
  { name: 'incarnations of sources', up: createIncarnations },
  { name: 'forks of sources', up: createForks },
  { name: 'pool manifests and checkpoints', up: createPoolManifests },
  { name: 'pool databases that were set back', up: createSetBacks },
  { name: 'checks of sealed files', up: createFileCheck },
  { name: 'exports that do not show everything', up: addIncomplete },
  { name: 'anchors of checkpoints', up: createAnchors },
  { name: 'heads of the audit trail', up: createAuditHeads },
  { name: 'two people for what is exported', up: createTwoPeople },
]

export function migrateStaging(db: Database): Promise<void> {
  return migrate(db, STAGING_MIGRATIONS)
}
