import type { Knex, Migration } from '@hansard/sql'

/**
 * The search index. It trails the record: what is not in it yet is searched by reading it, so bringing in the chats
 * of a large database takes the migration no time.
 */
export const SEARCH_MIGRATION: Migration = {
  name: 'the search index',
  async up(tx: Knex.Transaction, dialect) {
    await tx.schema.createTable('search_room', (table) => {
      table.integer('room_id').primary()
      // Every chat of the room up to this one is in exactly one block.
      table.bigInteger('indexed_through').notNullable()
    })
    await tx.schema.createTable('search_block', (table) => {
      table.increments('id').primary()
      // posted_at of the earliest and of the latest chat in it
      table.bigInteger('oldest').notNullable()
      table.bigInteger('newest').notNullable()
      // See block.ts in packages/chat-index.
      table.binary('chats').notNullable()
      table.index(['newest', 'id', 'oldest'])
      table.index(['oldest', 'id', 'newest'])
    })
    // Blocks come first in the key: a new one is then written side by side. With words first each of its thousands of
    // rows would change a page of its own. The key is nearly all there is to a row: SQLite need not keep it twice.
    await tx.raw(
      `create table search_word (
         block integer not null, word integer not null, chats ${dialect === 'sqlite' ? 'blob' : 'bytea'} not null,
         primary key (block, word)
       )${dialect === 'sqlite' ? ' without rowid' : ''}`,
    )
    await tx.schema.createTable('search_again', (table) => {
      table.integer('room_id').notNullable()
      table.bigInteger('chat_id').notNullable()
      // Nobody may find it any more, so searches need not read it.
      table.boolean('gone').notNullable()
      table.primary(['room_id', 'chat_id'])
    })
  },
}
