import type { Knex, Migration } from '@hansard/sql'

/** Progress of an import of pool data, so that an interrupted import resumes. */
export const IMPORT_MIGRATION: Migration = {
  name: 'imports of pool data',
  async up(tx: Knex.Transaction) {
    await tx.schema.createTable('import_progress', (table) => {
      // SHA-256 of the import's manifest: the same data is the same import.
      table.text('import').notNullable()
      table.text('entry').notNullable()
      // Key of the last imported line, in the sort order of the entry.
      table.text('done').notNullable()
      // Counts and findings so far, as JSON.
      table.text('tally').notNullable()
      table.primary(['import', 'entry'])
    })
    await tx.schema.createTable('import_made', (table) => {
      // What this import created itself. Of what it merely refers to, it may fill in only these.
      table.text('import').notNullable()
      table.text('uri').notNullable()
      table.primary(['import', 'uri'])
    })
  },
}
