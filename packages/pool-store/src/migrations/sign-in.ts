import type { Knex, Migration } from '@hansard/sql'

/**
 * Sign-in: public keys of tokens, failed attempts, known devices, ended sessions, and the record of sign-ins. The
 * secret that signed tokens is removed: signing keys are outside the database, and older tokens become invalid.
 */
export const SIGN_IN_MIGRATION: Migration = {
  name: 'sign-in',
  async up(tx: Knex.Transaction) {
    await tx('pool_setting').where({ name: 'signing-key' }).delete()
    // Before, the operator's one-time password was a stretched generated key: see credentials/secret.ts.
    await tx('principal')
      .where({ account: 'operator' })
      .andWhere('secret', 'like', 'scrypt$%')
      .update({ secret: tx.raw("'stretched-key$' || substr(secret, 8)") })
    await tx.schema.createTable('token_key', (table) => {
      table.text('id').primary()
      table.text('public_key').notNullable()
      table.text('endorsed_by')
      table.text('endorsement')
      table.bigInteger('accepted_until')
    })
    await tx.schema.createTable('sign_in_failure', (table) => {
      // A hash of target and origin of the attempts, so rows are short whatever was typed.
      table.text('bucket').primary()
      table.integer('failures').notNullable()
      table.bigInteger('last_at').notNullable()
      // No further attempt is accepted before this time.
      table.bigInteger('wait_until').notNullable()
      table.index('last_at')
    })
    await tx.schema.createTable('known_device', (table) => {
      // The token itself is not stored.
      table.text('token_hash').primary()
      table.integer('principal_id').notNullable().references('principal.id')
      table.bigInteger('used_at').notNullable()
      table.index(['principal_id', 'used_at'])
    })
    await tx.schema.createTable('signed_out', (table) => {
      table.text('session').primary()
      table.bigInteger('at').notNullable()
      // The session's tokens have expired by then, and the row can be deleted.
      table.bigInteger('expires_at').notNullable()
      table.index('at')
      table.index('expires_at')
    })
    await tx.schema.createTable('sign_in_event', (table) => {
      table.bigIncrements('id').primary()
      table.bigInteger('at').notNullable()
      table.text('service').notNullable()
      table.text('outcome').notNullable()
      // As typed, truncated and escaped: it need not be the name of an account.
      table.text('account').notNullable()
      table.integer('principal_id')
      table.text('remote').notNullable()
      table.text('device').notNullable()
      table.text('detail').notNullable()
      // Equal events within a second are one row.
      table.integer('count').notNullable()
      table.index('at')
      table.index(['account', 'id'])
    })
  },
}
