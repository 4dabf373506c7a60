import type { Knex } from '@hansard/sql'

/** A lease has its length, so that an expiry written by a clock that was ahead does not last. 0: not recorded. */
export async function addLeaseLength(tx: Knex.Transaction): Promise<void> {
  await tx.schema.alterTable('lease', (table) => {
    table.bigInteger('length_ms').notNullable().defaultTo(0)
  })
}
