import type { Knex } from '@hansard/sql'

/** The random part of a source's identity; "" for sources that started before there were incarnations. */
export async function createIncarnations(tx: Knex.Transaction): Promise<void> {
  await tx.schema.alterTable('source', (table) => {
    table.text('incarnation').notNullable().defaultTo('')
  })
  await tx.schema.alterTable('source', (table) => {
    table.dropUnique(['name', 'epoch'])
    table.unique(['name', 'epoch', 'incarnation'])
  })
}
