import type { Knex } from '@hansard/sql'

/**
 * The export configuration. Every change locks the one row of `compliance_configuration_state`, so a change applies
 * to the state it was checked against; its version tells the worker to read again.
 */
export async function createConfigurationTables(tx: Knex.Transaction): Promise<void> {
  await tx.schema.createTable('compliance_configuration', (table) => {
    table.text('identity').primary()
    table.text('settings').notNullable()
    table.bigInteger('changed_at').notNullable()
    table.text('changed_by').notNullable()
  })
  await tx.schema.createTable('compliance_configuration_state', (table) => {
    table.integer('id').primary()
    table.bigInteger('version').notNullable()
    table.bigInteger('seeded_at')
  })
  // A removed adapter keeps its exports and its position; nothing waits for it and it reports no problems.
  await tx.schema.alterTable('adapter_state', (table) => {
    table.integer('active').notNullable().defaultTo(1)
  })
  await tx('compliance_configuration_state').insert({ id: 1, version: 0 })
}
