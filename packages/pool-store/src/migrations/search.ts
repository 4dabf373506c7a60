import type { Knex, Migration } from '@hansard/sql'

/**
 * The search index. It trails the record: a search reads chats that are not indexed yet directly, so the migration of
 * a large database need not index anything.
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
      // posted_at of its earliest and latest chat
      table.bigInteger('oldest').notNullable()
      table.bigInteger('newest').notNullable()
      // Format: block.ts in packages/chat-index.
      table.binary('chats').notNullable()
      table.index(['newest', 'id', 'oldest'])
      table.index(['oldest', 'id', 'newest'])
    })
    // The block comes first in the key, so the rows of a new block are adjacent. With the word first, each of its
    // thousands of rows would change a page of its own. The key is nearly the whole row, so SQLite need not store it
    // twice (WITHOUT ROWID).
    await tx.raw(
      `create table search_word (
         block integer not null, word integer not null, chats ${dialect === 'sqlite' ? 'blob' : 'bytea'} not null,
         primary key (block, word)
       )${dialect === 'sqlite' ? ' without rowid' : ''}`,
    )
    await tx.schema.createTable('search_again', (table) => {
      table.integer('room_id').notNullable()
      table.bigInteger('chat_id').notNullable()
      // No caller may find the chat any more, so searches need not read it.
      table.boolean('gone').notNullable()
      table.primary(['room_id', 'chat_id'])
    })
  },
}
