import type { Knex } from '@hansard/sql'

/** When no service was running in a closed interval, as JSON; null when one was, and for older intervals. */
export async function createNotRunning(tx: Knex.Transaction): Promise<void> {
  await tx.schema.alterTable('closed_interval', (table) => {
    table.text('not_running')
  })
}
