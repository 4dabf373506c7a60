import type { Knex } from '@hansard/sql'

/**
 * The pool manifest and checkpoint of each closed interval. A row is written before the files, with their exact texts:
 * after a crash the same bytes are written again, also when the key has been replaced meanwhile.
 */
export async function createPoolManifests(tx: Knex.Transaction): Promise<void> {
  await tx.schema.createTable('pool_manifest', (table) => {
    // of the interval
    table.bigInteger('number').primary()
    table.text('state').notNullable()
    // Leaves of the tree up to the end of the interval, and the roots of its perfect subtrees: JSON of hexadecimal.
    table.bigInteger('tree_size').notNullable()
    table.text('tree_roots').notNullable()
    table.text('manifest_sha256').notNullable()
    // JSON: name and content of each file, in the order in which they are written
    table.text('files').notNullable()
    table.bigInteger('planned_at').notNullable()
    table.bigInteger('sealed_at')
  })
}
