import type { Knex, Migration } from '@hansard/sql'

/**
 * Signing in: public keys of tokens, failed attempts, devices that are known, sessions that were ended, and the record of
 * it all. The secret that signed tokens is removed: keys that sign lie outside the database, and tokens of before end.
 */
export const SIGN_IN_MIGRATION: Migration = {
  name: 'sign-in',
  async up(tx: Knex.Transaction) {
    await tx('pool_setting').where({ name: 'signing-key' }).delete()
    // Before, the operator's one-time password was a generated key that was stretched: see credentials/secret.ts.
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
      // A hash of whom the attempts were for and where they came from: rows are short, whatever was typed.
      table.text('bucket').primary()
      table.integer('failures').notNullable()
      table.bigInteger('last_at').notNullable()
      // No further attempt before this.
      table.bigInteger('wait_until').notNullable()
      table.index('last_at')
    })
    await tx.schema.createTable('known_device', (table) => {
      // The token itself is stored nowhere.
      table.text('token_hash').primary()
      table.integer('principal_id').notNullable().references('principal.id')
      table.bigInteger('used_at').notNullable()
      table.index(['principal_id', 'used_at'])
    })
    await tx.schema.createTable('signed_out', (table) => {
      table.text('session').primary()
      table.bigInteger('at').notNullable()
      // The tokens of the session have expired then, and the row is of no use.
      table.bigInteger('expires_at').notNullable()
      table.index('at')
      table.index('expires_at')
    })
    await tx.schema.createTable('sign_in_event', (table) => {
      table.increments('id').primary()
      table.bigInteger('at').notNullable()
      table.text('service').notNullable()
      table.text('outcome').notNullable()
      // As it was typed, cut and escaped: it need not be the name of an account.
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
