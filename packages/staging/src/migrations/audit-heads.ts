import type { Knex } from '@hansard/sql'

/** The heads of the audit trail that pool manifests hold, and what the scheduled check of its chain has found. */
export async function createAuditHeads(tx: Knex.Transaction): Promise<void> {
  await tx.schema.alterTable('pool_manifest', (table) => {
    // Null: the pool manifest is from before the audit trail was sealed.
    table.bigInteger('audit_number')
    table.text('audit_head')
    table.index('audit_number')
  })
  await tx.schema.createTable('audit_check', (table) => {
    table.integer('id').primary()
    table.bigInteger('checked_at').notNullable()
    // the last whole check: records recomputed, and what was found, or null
    table.bigInteger('records').notNullable()
    table.text('problem')
  })
}
