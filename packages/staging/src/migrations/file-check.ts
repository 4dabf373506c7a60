import type { Knex } from '@hansard/sql'

/** The scheduled check of sealed files: how far the present round has come, newest first, and what it found. */
export async function createFileCheck(tx: Knex.Transaction): Promise<void> {
  await tx.schema.createTable('file_check', (table) => {
    table.integer('id').primary()
    table.bigInteger('started_at').notNullable()
    // Exports with a smaller id are still to be checked; null when the round is complete.
    table.integer('before_export_id')
  })
  await tx.schema.createTable('damaged_file', (table) => {
    table.integer('export_id').notNullable()
    table.text('name').notNullable()
    table.text('problem').notNullable()
    table.bigInteger('found_at').notNullable()
    table.primary(['export_id', 'name'])
  })
}
