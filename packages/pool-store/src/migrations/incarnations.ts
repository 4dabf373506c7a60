import type { Knex, Migration } from '@hansard/sql'

/** The random part of a source's identity. Sources from before have none. */
export const INCARNATIONS_MIGRATION: Migration = {
  name: 'incarnations of sources',
  async up(tx: Knex.Transaction) {
    await tx.schema.alterTable('source', (table) => {
      table.text('incarnation').notNullable().defaultTo('')
    })
  },
}
