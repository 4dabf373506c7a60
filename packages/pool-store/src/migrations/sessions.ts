import type { Knex, Migration } from '@hansard/sql'

/** Sessions whose end is not on record yet: see access/sessions.ts. Sessions from before have no row. */
export const SESSIONS_MIGRATION: Migration = {
  name: 'sessions on record',
  async up(tx: Knex.Transaction) {
    await tx.schema.createTable('signed_in', (table) => {
      table.text('session').primary()
      table.text('account').notNullable()
      table.integer('principal_id').notNullable()
      // The account's credential version when the session began.
      table.integer('version').notNullable()
      table.bigInteger('expires_at').notNullable()
      table.index('expires_at')
    })
  },
}
