import type { Knex, Migration } from '@hansard/sql'

/** How far an import of pool data has come, so that one that was killed goes on where it stopped. */
export const IMPORT_MIGRATION: Migration = {
  name: 'imports of pool data',
  async up(tx: Knex.Transaction) {
    await tx.schema.createTable('import_progress', (table) => {
      // SHA-256 of the manifest of what is imported: the same data again is the same import.
      table.text('import').notNullable()
      table.text('entry').notNullable()
      // The key of the last line that is in, as the entry is sorted by it.
      table.text('done').notNullable()
      // What has been counted and found wrong so far, as JSON.
      table.text('tally').notNullable()
      table.primary(['import', 'entry'])
    })
    await tx.schema.createTable('import_made', (table) => {
      // What this import created itself: only that may it fill where it merely refers to it.
      table.text('import').notNullable()
      table.text('uri').notNullable()
      table.primary(['import', 'uri'])
    })
  },
}
