import type { Knex } from '@hansard/sql'

/** Which pool the database belongs to: one row, once somebody has said it. */
export async function createPoolName(tx: Knex.Transaction): Promise<void> {
  await tx.schema.createTable('compliance_setting', (table) => {
    table.text('name').primary()
    table.text('value').notNullable()
  })
}
