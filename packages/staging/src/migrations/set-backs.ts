import type { Knex } from '@hansard/sql'

/**
 * A pool database that was set back reports fewer numbers than before, or no longer knows the source. `went_back_at` is
 * when that was first seen (0: never), and `pool_seq` the last number that the pool still had then.
 */
export async function createSetBacks(tx: Knex.Transaction): Promise<void> {
  await tx.schema.alterTable('source', (table) => {
    table.bigInteger('pool_seq').notNullable().defaultTo(0)
    table.bigInteger('went_back_at').notNullable().defaultTo(0)
  })
}
