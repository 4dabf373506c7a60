import type { Knex, Migration } from '@hansard/sql'

/** What the user called a file, as a JSON string literal. Null for files announced before the name was kept. */
export const GIVEN_NAMES_MIGRATION: Migration = {
  name: 'names that users give files',
  async up(tx: Knex.Transaction) {
    await tx.schema.alterTable('file', (table) => table.text('given_name'))
  },
}
