import type { Knex } from '@hansard/sql'

/**
 * Forks: a source has given a number out twice. `fork_seq` is the number at which that was first noticed, `fork_in` is
 * the interval that was open then and whose manifest names it. A quarantined text with `fork_in` greater than 0 belongs
 * to a fork, and that interval's manifest counts it.
 */
export async function createForks(tx: Knex.Transaction): Promise<void> {
  await tx.schema.alterTable('source', (table) => {
    table.bigInteger('fork_seq').notNullable().defaultTo(0)
    table.bigInteger('fork_in').notNullable().defaultTo(0)
  })
  await tx.schema.alterTable('quarantined_event', (table) => {
    table.bigInteger('fork_in').notNullable().defaultTo(0)
  })
  await tx.raw('create index quarantined_event_fork on quarantined_event (fork_in) where fork_in > 0')
}
