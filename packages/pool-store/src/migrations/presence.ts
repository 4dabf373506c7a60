import type { Knex, Migration } from '@hansard/sql'

/** Which rooms somebody is in: without it, asking that reads every participant of the pool. */
export const PRESENCE_MIGRATION: Migration = {
  name: 'participants by principal',
  async up(tx: Knex.Transaction) {
    await tx.schema.alterTable('participant', (table) => table.index('principal_id'))
  },
}
