import type { Knex, Migration } from '@hansard/sql'

/** A digest of each post. It distinguishes a repeat from a different post under the same name. Null for older chats. */
export const POSTS_MIGRATION: Migration = {
  name: 'digests of posts',
  async up(tx: Knex.Transaction) {
    await tx.schema.alterTable('chat', (table) => table.text('post_digest'))
  },
}
