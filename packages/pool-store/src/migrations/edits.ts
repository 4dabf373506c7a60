import type { Knex, Migration } from '@hansard/sql'

/** Numbers the edits of a room's chats, so that a service finds edits whose hint the bus dropped. */
export const EDITS_MIGRATION: Migration = {
  name: 'edits of chats',
  async up(tx: Knex.Transaction) {
    await tx.schema.alterTable('room', (table) => table.bigInteger('edits').notNullable().defaultTo(0))
    await tx.schema.alterTable('chat', (table) => table.bigInteger('edit'))
    await tx.raw('create index chat_edit on chat (room_id, edit) where edit is not null')
  },
}
