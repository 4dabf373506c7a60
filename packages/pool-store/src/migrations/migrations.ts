import type { Knex, Migration } from '@hansard/sql'
import { CLOCKS_MIGRATION } from './clocks.ts'
import { DEPARTURES_MIGRATION } from './departures.ts'
import { EDITS_MIGRATION } from './edits.ts'
import { FILES_MIGRATION } from './files.ts'
import { GIVEN_NAMES_MIGRATION } from './given-names.ts'
import { IMPORT_MIGRATION } from './import.ts'
import { INCARNATIONS_MIGRATION } from './incarnations.ts'
import { KEPT_ROWS_MIGRATION } from './kept-rows.ts'
import { POSTS_MIGRATION } from './posts.ts'
import { PRESENCE_MIGRATION } from './presence.ts'
import { ROOM_NAMES_MIGRATION } from './room-names.ts'
import { ROOMS_MIGRATION } from './rooms.ts'
import { SEARCH_MIGRATION } from './search.ts'
import { SEARCH_VERSION_MIGRATION } from './search-version.ts'
import { SESSIONS_MIGRATION } from './sessions.ts'
import { SIGN_IN_MIGRATION } from './sign-in.ts'
import { TIME_MIGRATION } from './time.ts'

/**
 * The pool database. Migrations go forward only.
 *
 * Times are milliseconds since 1970 UTC. `chat.content` is the text as a JSON string literal: PostgreSQL cannot store
 * U+0000 or half a surrogate pair, and a user's text is kept exactly.
 */
export const POOL_MIGRATIONS: readonly Migration[] = [
  {
    name: 'the record',
    async up(tx: Knex.Transaction) {
      await tx.schema.createTable('pool_setting', (table) => {
        table.text('name').primary()
        table.text('value').notNullable()
      })
      await tx.schema.createTable('principal', (table) => {
        table.increments('id').primary()
        table.text('account').notNullable().unique()
        table.text('uri').notNullable().unique()
        table.text('display_name').notNullable()
        table.text('email')
        table.boolean('internal').notNullable().defaultTo(true)
        table.text('role').notNullable().defaultTo('participant')
        table.text('secret').notNullable()
        // Incremented when the secret changes or the account is disabled: tokens signed before that are refused.
        table.integer('credential_version').notNullable().defaultTo(1)
        table.boolean('disabled').notNullable().defaultTo(false)
        table.bigInteger('created_at').notNullable()
      })
      await tx.schema.createTable('room', (table) => {
        table.increments('id').primary()
        table.text('uri').notNullable().unique()
        table.text('name').notNullable().unique()
        table.text('privacy').notNullable()
        table.boolean('disabled').notNullable().defaultTo(false)
        table.bigInteger('created_at').notNullable()
        table.bigInteger('last_chat_id').notNullable().defaultTo(0)
        // Numbers every event of the room, whichever service recorded it: the order of a conversation.
        table.bigInteger('last_room_seq').notNullable().defaultTo(0)
      })
      await tx.schema.createTable('room_member', (table) => {
        table.integer('room_id').notNullable().references('room.id')
        table.integer('principal_id').notNullable().references('principal.id')
        table.primary(['room_id', 'principal_id'])
        table.index('principal_id')
      })
      await tx.schema.createTable('chat', (table) => {
        table.integer('room_id').notNullable()
        table.bigInteger('chat_id').notNullable()
        table.bigInteger('posted_at').notNullable()
        table.integer('principal_id').notNullable()
        table.text('post').notNullable()
        table.text('content').notNullable()
        table.primary(['room_id', 'chat_id'])
        // A post repeated after a lost acknowledgement is recorded once; this index guarantees it.
        table.unique(['principal_id', 'room_id', 'post'])
      })
      await tx.schema.createTable('participant', (table) => {
        table.integer('room_id').notNullable()
        table.text('session').notNullable()
        table.integer('principal_id').notNullable()
        table.text('source').notNullable()
        table.integer('epoch').notNullable()
        table.bigInteger('joined_at').notNullable()
        table.primary(['room_id', 'session'])
        table.index(['source', 'epoch'])
      })
      await tx.schema.createTable('source', (table) => {
        table.text('name').notNullable()
        table.integer('epoch').notNullable()
        table.text('state').notNullable()
        table.text('endpoint').notNullable()
        table.bigInteger('started_at').notNullable()
        table.bigInteger('last_seq').notNullable()
        table.text('head').notNullable()
        table.bigInteger('last_stamp').notNullable()
        table.bigInteger('reported_at').notNullable()
        table.bigInteger('ended_at')
        // The compliance database knows that the source ended and has every event of it, so the source progress may
        // omit it.
        table.boolean('settled').notNullable().defaultTo(false)
        table.primary(['name', 'epoch'])
        table.index('settled')
      })
      await tx.schema.createTable('outbox', (table) => {
        table.text('source').notNullable()
        table.integer('epoch').notNullable()
        table.bigInteger('seq').notNullable()
        table.bigInteger('at').notNullable()
        table.text('body').notNullable()
        table.text('head').notNullable()
        table.primary(['source', 'epoch', 'seq'])
      })
      await tx.schema.createTable('lease', (table) => {
        table.text('name').primary()
        table.text('holder').notNullable()
        table.bigInteger('token').notNullable()
        table.bigInteger('expires_at').notNullable()
      })
    },
  },
  ROOMS_MIGRATION,
  FILES_MIGRATION,
  SEARCH_MIGRATION,
  IMPORT_MIGRATION,
  PRESENCE_MIGRATION,
  DEPARTURES_MIGRATION,
  EDITS_MIGRATION,
  POSTS_MIGRATION,
  SIGN_IN_MIGRATION,
  GIVEN_NAMES_MIGRATION,
  SEARCH_VERSION_MIGRATION,
  ROOM_NAMES_MIGRATION,
  TIME_MIGRATION,
  INCARNATIONS_MIGRATION,
  KEPT_ROWS_MIGRATION,
  CLOCKS_MIGRATION,
  SESSIONS_MIGRATION,
]
