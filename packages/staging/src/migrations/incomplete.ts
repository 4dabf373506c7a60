import type { Knex } from '@hansard/sql'

/** What a sealed export does not show of the events that it counts, in words; null when it shows all of them. */
export async function addIncomplete(tx: Knex.Transaction): Promise<void> {
  await tx.schema.alterTable('export', (table) => {
    table.text('incomplete')
  })
}
