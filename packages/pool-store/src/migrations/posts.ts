import type { Knex, Migration } from '@hansard/sql'

/** A digest of each post, by which a repeat is told from another post under the same name. Null for older chats. */
export const POSTS_MIGRATION: Migration = {
  name: 'digests of posts',
  async up(tx: Knex.Transaction) {
    await tx.schema.alterTable('chat', (table) => table.text('post_digest'))
  },
}
