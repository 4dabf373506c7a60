import type { Knex } from '@hansard/sql'

/** Leases, requests and audit records. */
export async function createWorkTables(tx: Knex.Transaction): Promise<void> {
  await tx.schema.createTable('roll_call', (table) => {
    table.integer('id').primary()
    table.bigInteger('taken_at').notNullable()
  })
  await tx('roll_call').insert({ id: 1, taken_at: 0 })
  await tx.schema.createTable('lease', (table) => {
    table.text('name').primary()
    table.text('holder').notNullable()
    table.bigInteger('token').notNullable()
    table.bigInteger('expires_at').notNullable()
  })
  await tx.schema.createTable('request', (table) => {
    table.increments('id').primary()
    table.text('kind').notNullable()
    table.text('detail').notNullable()
    table.text('state').notNullable()
    table.text('result')
    table.text('reason')
    table.text('requested_by').notNullable()
    table.bigInteger('requested_at').notNullable()
    table.bigInteger('answered_at')
    table.index('state')
  })
  await tx.schema.createTable('audit_record', (table) => {
    table.increments('id').primary()
    table.bigInteger('at').notNullable()
    table.text('actor').notNullable()
    table.text('action').notNullable()
    table.text('object').notNullable()
    table.text('detail').notNullable()
    table.index('at')
  })
}
