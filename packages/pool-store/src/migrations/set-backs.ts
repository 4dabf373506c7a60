import type { Knex, Migration } from '@hansard/sql'

/** Numbers that a living source had recorded, and that a pool database which was set back no longer has. */
export const SET_BACKS_MIGRATION: Migration = {
  name: 'numbers lost with a pool database',
  async up(tx: Knex.Transaction) {
    await tx.schema.createTable('lost_numbers', (table) => {
      table.text('source').notNullable()
      table.integer('epoch').notNullable()
      table.text('incarnation').notNullable()
      table.bigInteger('recorded_seq').notNullable()
      table.bigInteger('found_seq').notNullable()
      table.bigInteger('noted_at').notNullable()
      table.primary(['source', 'epoch', 'incarnation'])
    })
  },
}
