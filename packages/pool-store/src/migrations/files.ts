import type { Knex, Migration } from '@hansard/sql'

/** Uploaded files, and the tokens that permit transfers. The bytes are in the file store. */
export const FILES_MIGRATION: Migration = {
  name: 'files',
  async up(tx: Knex.Transaction) {
    await tx.schema.createTable('file', (table) => {
      table.text('id').primary()
      table.integer('room_id').notNullable().references('room.id')
      table.integer('principal_id').notNullable().references('principal.id')
      // A JSON string literal, like every text typed by a user.
      table.text('file_name').notNullable()
      table.text('stored_name').notNullable().unique()
      // As announced. An upload must have exactly this length, so it is the size of the file.
      table.bigInteger('size').notNullable()
      table.text('sha256')
      table.text('state').notNullable()
      // The scanner's finding, when the state is `quarantined`.
      table.text('signature')
      table.bigInteger('created_at').notNullable()
      table.bigInteger('expires_at').notNullable()
      table.bigInteger('ended_at')
      table.boolean('bytes_removed').notNullable().defaultTo(false)
      table.index(['state', 'bytes_removed', 'ended_at'])
      table.index(['principal_id', 'state'])
      table.index('room_id')
    })
    await tx.schema.createTable('file_token', (table) => {
      // The token itself is not stored: a reader of the database cannot use it.
      table.text('token_hash').primary()
      table.text('kind').notNullable()
      table.text('file_id').notNullable().references('file.id')
      table.integer('principal_id').notNullable().references('principal.id')
      table.integer('room_id').notNullable()
      table.bigInteger('expires_at').notNullable()
      table.bigInteger('used_at')
      table.index('expires_at')
      table.index(['principal_id', 'kind'])
    })
  },
}
