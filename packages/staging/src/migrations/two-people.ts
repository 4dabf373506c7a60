import type { Knex } from '@hansard/sql'

/**
 * What is exported is changed by two people. A configuration says how it came to be: `seeded` from the first worker's
 * settings file, set by `one-person`, or by `two-people`. Those from before the rule were set by one.
 */
export async function createTwoPeople(tx: Knex.Transaction): Promise<void> {
  await tx.schema.alterTable('compliance_configuration', (table) => {
    table.text('approval').notNullable().defaultTo('one-person')
  })
  await tx('compliance_configuration').where('changed_by', 'like', 'worker:%').update({ approval: 'seeded' })
  await tx.schema.alterTable('compliance_configuration_state', (table) => {
    // Null: no admin API has started on this database yet.
    table.text('approval_mode')
  })
  await tx.schema.createTable('compliance_change', (table) => {
    table.increments('id')
    table.text('identity').notNullable()
    // The exact text of the proposal; `sha256` is its hash. The approval names the hash.
    table.text('content').notNullable()
    table.text('sha256').notNullable()
    table.text('state').notNullable()
    table.text('reason')
    table.bigInteger('proposed_by_id').notNullable()
    table.text('proposed_by').notNullable()
    table.bigInteger('proposed_at').notNullable()
    table.text('decided_by')
    table.bigInteger('decided_at')
    table.index(['state', 'id'])
  })
}
