import type { Knex, Migration } from '@hansard/sql'

/** Index of the rooms a principal is in. Without it, that query scans every participant of the pool. */
export const PRESENCE_MIGRATION: Migration = {
  name: 'participants by principal',
  async up(tx: Knex.Transaction) {
    await tx.schema.alterTable('participant', (table) => table.index('principal_id'))
  },
}
