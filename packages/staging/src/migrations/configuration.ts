import type { Knex } from '@hansard/sql'

/**
 * What the pool exports. The one row of `compliance_configuration_state` is locked by every change, so that what a
 * change was checked against is what it changes; its version tells the worker that there is something to read.
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
  // An adapter that was taken away keeps its exports and its place; nobody waits for it and it has no problems.
  await tx.schema.alterTable('adapter_state', (table) => {
    table.integer('active').notNullable().defaultTo(1)
  })
  await tx('compliance_configuration_state').insert({ id: 1, version: 0 })
}
