import type { Knex } from '@hansard/sql'

/**
 * Where checkpoints are kept outside of the pool: each anchor that a worker was told, what was delivered to it, and why
 * it cannot be delivered now.
 */
export async function createAnchors(tx: Knex.Transaction): Promise<void> {
  await tx.schema.createTable('anchor', (table) => {
    table.text('name').primary()
    table.text('kind').notNullable()
    // 0 when the worker no longer has it among its settings.
    table.integer('active').notNullable()
    table.text('problem')
    table.bigInteger('problem_since')
  })
  await tx.schema.createTable('anchor_delivery', (table) => {
    table.text('anchor').notNullable()
    // of the interval
    table.bigInteger('number').notNullable()
    // the name of the pool manifest, without its ending
    table.text('stem').notNullable()
    table.bigInteger('delivered_at').notNullable()
    table.primary(['anchor', 'number'])
  })
}
