import type { Knex, Migration } from '@hansard/sql'

/**
 * By which rules the words of a block were read. Blocks of older rules are written again in the background; until then
 * a search compares all of their chats. See packages/chat-index.
 */
export const SEARCH_VERSION_MIGRATION: Migration = {
  name: 'versions of the search index',
  async up(tx: Knex.Transaction) {
    await tx.schema.alterTable('search_block', (table) => {
      table.integer('version').notNullable().defaultTo(1)
      table.dropIndex(['newest', 'id', 'oldest'])
      table.dropIndex(['oldest', 'id', 'newest'])
    })
    await tx.schema.alterTable('search_block', (table) => {
      // Searches walk these indexes only: in SQLite a row's version lies behind 20 KB of places.
      table.index(['newest', 'id', 'oldest', 'version'])
      table.index(['oldest', 'id', 'newest', 'version'])
      table.index(['version', 'newest'])
    })
  },
}
