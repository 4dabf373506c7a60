import type { Knex } from '@hansard/sql'

/** The pool that the database belongs to: one row, once it is known. */
export async function createPoolName(tx: Knex.Transaction): Promise<void> {
  await tx.schema.createTable('compliance_setting', (table) => {
    table.text('name').primary()
    table.text('value').notNullable()
  })
}
