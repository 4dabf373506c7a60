import type { Knex, Migration } from '@hansard/sql'

/** Who imported a chat and when. Null for a chat that was posted here, and for one that was imported before. */
export const IMPORTED_CHATS_MIGRATION: Migration = {
  name: 'who imported a chat',
  async up(tx: Knex.Transaction) {
    await tx.schema.alterTable('chat', (table) => {
      table.text('imported_by')
      table.bigInteger('imported_at')
    })
  },
}
