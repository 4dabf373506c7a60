import type { Knex } from '@hansard/sql'

/**
 * Numbers of a source that no database has and that two people have accepted as a gap, and proposals of one person.
 * `head_before` is the chain at `from_seq - 1`, `head` the chain at `to_seq`; "" where it is unknown.
 *
 * `lacks_from` of a source is the first number that counts as staged and whose row was found to be gone; 0: none.
 */
export async function createAcceptedGaps(tx: Knex.Transaction): Promise<void> {
  await tx.schema.createTable('accepted_gap', (table) => {
    table.integer('source_id').notNullable()
    table.bigInteger('from_seq').notNullable()
    table.bigInteger('to_seq').notNullable()
    table.text('state').notNullable()
    table.text('reason').notNullable()
    table.text('proposed_by').notNullable()
    // 1 when the first person was an officer.
    table.integer('proposed_by_officer').notNullable()
    table.bigInteger('proposed_at').notNullable()
    table.text('accepted_by')
    table.bigInteger('accepted_at')
    table.text('head_before').notNullable().defaultTo('')
    table.text('head').notNullable().defaultTo('')
    // Number and head of the audit record of the acceptance: the trail's chain covers the decision.
    table.bigInteger('audit_number')
    table.text('audit_head')
    table.primary(['source_id', 'from_seq'])
  })
  await tx.schema.alterTable('source', (table) => {
    table.bigInteger('lacks_from').notNullable().defaultTo(0)
  })
}
