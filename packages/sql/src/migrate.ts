import type { Knex } from 'knex'
import type { Database } from './database.ts'
import { refuseUnsuitable } from './suitable-database.ts'

/** One step forward. There is no step back: undoing a migration does not restore a record. */
export type Migration = {
  readonly name: string
  up(tx: Knex.Transaction, dialect: 'sqlite' | 'postgres'): Promise<void>
}

const MIGRATION_LOCK = 0x48616e73

/**
 * Migrates a database to the newest of `migrations`, which are numbered from 1 by their order.
 *
 * Everything happens in one transaction under the database's migration lock, so several services may start at once,
 * and a killed one leaves no trace. A database newer than this program is refused: the old program would write what
 * the newer one no longer understands. A database that cannot hold the record is refused too (`refuseUnsuitable`).
 */
export async function migrate(db: Database, migrations: readonly Migration[]): Promise<void> {
  await refuseUnsuitable(db)
  await db.knex.transaction(async (tx) => {
    if (db.dialect === 'postgres') await tx.raw('select pg_advisory_xact_lock(?)', [MIGRATION_LOCK])
    if (!(await tx.schema.hasTable('schema_migration'))) {
      await tx.schema.createTable('schema_migration', (table) => {
        table.integer('version').primary()
        table.text('name').notNullable()
      })
    }
    const applied: { version: number; name: string }[] = await tx('schema_migration').orderBy('version')
    applied.forEach((row, index) => {
      const known = migrations[index]
      if (!known) {
        throw new MigrationError(
          `The database is at version ${applied.length} and this program knows only ${migrations.length}. Install the newer program.`,
        )
      }
      if (known.name !== row.name) {
        throw new MigrationError(
          `Version ${row.version} of the database is "${row.name}", not "${known.name}": another product's?`,
        )
      }
    })
    for (const [index, migration] of migrations.entries()) {
      if (index < applied.length) continue
      await migration.up(tx, db.dialect)
      await tx('schema_migration').insert({ version: index + 1, name: migration.name })
    }
  })
}

/** Needs an operator: the database and the program do not belong together. Nothing was changed. */
export class MigrationError extends Error {
  override name = 'MigrationError'
  readonly exitCode = 2
}
