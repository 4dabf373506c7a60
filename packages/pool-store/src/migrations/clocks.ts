import type { Knex, Migration } from '@hansard/sql'

/** How far a source's clock is off, in milliseconds (negative: behind), while it stamps nothing because of that. */
export const CLOCKS_MIGRATION: Migration = {
  name: 'clocks of sources',
  async up(tx: Knex.Transaction) {
    await tx.schema.alterTable('source', (table) => {
      table.bigInteger('clock_off_ms')
    })
  },
}
