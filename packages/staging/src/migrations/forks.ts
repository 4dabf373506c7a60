import type { Knex } from '@hansard/sql'

/**
 * Forks: a source has given a number out twice. `fork_seq` is the number at which that was first noticed, `fork_in` is
 * the interval that was open then and whose manifest names it. A quarantined text with `fork_in` greater than 0 belongs
 * to a fork, and that interval's manifest counts it.
 *
 * A pool database that was set back reports fewer numbers than before, or no longer knows the source. `went_back_at` is
 * when that was first seen (0: never), and `pool_seq` the last number that the pool still had then.
 */
export async function createForks(tx: Knex.Transaction): Promise<void> {
  await tx.schema.alterTable('source', (table) => {
    table.bigInteger('fork_seq').notNullable().defaultTo(0)
    table.bigInteger('fork_in').notNullable().defaultTo(0)
    table.bigInteger('pool_seq').notNullable().defaultTo(0)
    table.bigInteger('went_back_at').notNullable().defaultTo(0)
  })
  await tx.schema.alterTable('quarantined_event', (table) => {
    table.bigInteger('fork_in').notNullable().defaultTo(0)
  })
  await tx.raw('create index quarantined_event_fork on quarantined_event (fork_in) where fork_in > 0')
}
