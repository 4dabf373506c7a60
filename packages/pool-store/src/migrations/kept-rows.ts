import type { Knex, Migration } from '@hansard/sql'

/**
 * Outbox rows stay for a while after they are staged. `through_seq`: up to this number the relay has seen the source's
 * rows in the compliance database. It tells kept rows from waiting ones, and nothing is deleted on its word.
 */
export const KEPT_ROWS_MIGRATION: Migration = {
  name: 'outbox rows that are kept',
  async up(tx: Knex.Transaction) {
    await tx.schema.createTable('outbox_staged', (table) => {
      table.text('source').notNullable()
      table.integer('epoch').notNullable()
      table.bigInteger('through_seq').notNullable()
      table.primary(['source', 'epoch'])
    })
  },
}
