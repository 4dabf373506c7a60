import type { Knex, Migration } from '@hansard/sql'

/**
 * Several rooms may have one name: a unique index would reveal the names of hidden rooms to anyone who creates a room.
 * The new index carries the URI, so that rooms of one name have an order and a list can be read page by page.
 */
export const ROOM_NAMES_MIGRATION: Migration = {
  name: 'room names may repeat',
  async up(tx: Knex.Transaction, dialect) {
    // In PostgreSQL the index belongs to a constraint; knex would rebuild SQLite's table, which its foreign keys
    // forbid.
    await tx.raw(
      dialect === 'postgres' ? 'alter table room drop constraint room_name_unique' : 'drop index room_name_unique',
    )
    await tx.raw('create index room_by_name on room (name, uri)')
  },
}
