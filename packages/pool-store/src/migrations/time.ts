import type { Knex, Migration } from '@hansard/sql'

/** A lease has its length, so that an expiry written by a clock that was ahead does not last. 0: not recorded. */
export const TIME_MIGRATION: Migration = {
  name: 'leases have a length',
  async up(tx: Knex.Transaction) {
    await tx.schema.alterTable('lease', (table) => {
      table.bigInteger('length_ms').notNullable().defaultTo(0)
    })
  },
}
