import { randomUUID } from 'node:crypto'
import type { Knex, Migration } from '@hansard/sql'

/**
 * Administered rooms: categories and their scopes, roles, groups, and the kinds of chats beyond plain ones.
 *
 * Existing data is migrated: members stay members, an operator gets every role it could use before. Rooms get their
 * category when the pool starts (`poolSettings` creates the default one, because it knows the domain).
 */
export const ROOMS_MIGRATION: Migration = {
  name: 'rooms as people run them',
  async up(tx: Knex.Transaction) {
    await tx.schema.alterTable('principal', (table) => {
      table.text('type').notNullable().defaultTo('user')
      table.text('domain').notNullable().defaultTo('')
      table.integer('policy_id')
      table.bigInteger('last_invitation_id').notNullable().defaultTo(0)
    })
    const users: { id: number; uri: string; role: string }[] = await tx('principal').select('id', 'uri', 'role')
    for (const { id, uri } of users) {
      await tx('principal')
        .where({ id })
        .update({ domain: uri.slice(uri.lastIndexOf('@') + 1) })
    }
    await tx.schema.createTable('pool_role', (table) => {
      table.integer('principal_id').notNullable().references('principal.id')
      table.text('role').notNullable()
      table.primary(['principal_id', 'role'])
    })
    for (const { id, role } of users) {
      if (role !== 'operator') continue
      await tx('pool_role').insert(
        ['administrator', 'operator', 'officer', 'auditor'].map((held) => ({ principal_id: id, role: held })),
      )
    }
    // On SQLite, knex would rebuild the table, which its foreign keys forbid.
    await tx.raw('alter table principal drop column role')
    await tx.schema.alterTable('principal', (table) => table.index(['type', 'domain']))

    await tx.schema.createTable('group_member', (table) => {
      table.integer('group_id').notNullable().references('principal.id')
      table.integer('member_id').notNullable().references('principal.id')
      table.primary(['group_id', 'member_id'])
      table.index('member_id')
    })
    await tx.schema.createTable('category', (table) => {
      table.increments('id').primary()
      table.text('uri').notNullable().unique()
      table.text('name').notNullable().unique()
      table.text('description').notNullable().defaultTo('')
      table.boolean('invitations').notNullable().defaultTo(false)
      table.boolean('file_upload').notNullable().defaultTo(false)
      table.boolean('chat_history').notNullable().defaultTo(true)
      table.bigInteger('created_at').notNullable()
    })
    await tx.schema.createTable('category_scope', (table) => {
      table.integer('category_id').notNullable().references('category.id')
      table.integer('principal_id').notNullable().references('principal.id')
      table.text('list').notNullable()
      table.primary(['category_id', 'principal_id', 'list'])
      table.index('principal_id')
    })
    await tx.schema.createTable('add_in', (table) => {
      table.increments('id').primary()
      table.text('name').notNullable().unique()
      table.text('url').notNullable()
    })
    await tx.schema.alterTable('room', (table) => {
      // Null for the pool's own row, which is no room: changes that concern no room are numbered and recorded there.
      table.integer('category_id')
      table.text('description').notNullable().defaultTo('')
      table.text('topic').notNullable().defaultTo('')
      table.text('type').notNullable().defaultTo('normal')
      table.text('invitations').notNullable().defaultTo('inherit')
      table.integer('add_in_id')
      // The rights version, incremented by every change that may alter a decision about the room. A fact decided
      // under an older version is not recorded.
      table.bigInteger('rights').notNullable().defaultTo(1)
      table.bigInteger('deleted_at')
      // The name in events, where it is not the unique name: for a deleted room, whose name is free again, and for
      // the pool.
      table.text('shown_name')
      table.index('category_id')
    })
    await tx.schema.createTable('room_role', (table) => {
      table.integer('room_id').notNullable().references('room.id')
      table.integer('principal_id').notNullable().references('principal.id')
      table.text('role').notNullable()
      table.primary(['room_id', 'principal_id', 'role'])
      table.index('principal_id')
    })
    await tx.raw(
      "insert into room_role (room_id, principal_id, role) select room_id, principal_id, 'member' from room_member",
    )
    await tx.schema.dropTable('room_member')
    await tx.schema.alterTable('chat', (table) => {
      table.boolean('alert').notNullable().defaultTo(false)
      // Title of a story; a JSON string literal like `content`.
      table.text('title')
      table.text('state').notNullable().defaultTo('kept')
      // The category keeps no history: the text is kept only for delivery.
      table.boolean('unlogged').notNullable().defaultTo(false)
    })
    await tx.raw("create index chat_unlogged on chat (posted_at) where unlogged and state <> 'purged'")

    await tx.schema.createTable('policy', (table) => {
      table.increments('id').primary()
      table.text('identity').notNullable().unique()
      table.text('description').notNullable().defaultTo('')
      table.boolean('enabled').notNullable()
    })
    await tx.schema.createTable('endpoint', (table) => {
      table.increments('id').primary()
      table.text('uri').notNullable().unique()
      table.text('display_name').notNullable()
    })
    await tx.schema.createTable('pool_configuration', (table) => {
      table.text('identity').primary()
      table.text('settings').notNullable()
    })
    await tx.schema.createTable('invitation', (table) => {
      table.integer('principal_id').notNullable()
      table.bigInteger('invitation_id').notNullable()
      table.integer('room_id').notNullable()
      table.text('inviter_uri').notNullable()
      table.text('inviter_name').notNullable()
      table.bigInteger('created_at').notNullable()
      table.primary(['principal_id', 'invitation_id'])
    })
    await tx.schema.createTable('followed_room', (table) => {
      table.integer('principal_id').notNullable()
      table.integer('room_id').notNullable()
      table.primary(['principal_id', 'room_id'])
    })
    await tx.schema.createTable('read_mark', (table) => {
      table.integer('principal_id').notNullable()
      table.integer('room_id').notNullable()
      table.bigInteger('chat_id').notNullable()
      table.primary(['principal_id', 'room_id'])
    })
    await tx.schema.createTable('feed', (table) => {
      table.increments('id').primary()
      table.integer('principal_id').notNullable()
      table.text('name').notNullable()
      // The filter, as JSON.
      table.text('filter').notNullable()
      table.unique(['principal_id', 'name'])
    })
    await tx.schema.createTable('preference', (table) => {
      table.integer('principal_id').notNullable()
      table.text('label').notNullable()
      table.bigInteger('version').notNullable()
      table.text('content').notNullable()
      table.primary(['principal_id', 'label'])
    })
    // The pool's own row. `poolSettings` sets its URI and name once the pool knows its domain.
    const placeholder = `ma-cat:${randomUUID()}`
    const [row]: { id: number }[] = await tx('room')
      .insert({ uri: placeholder, name: placeholder, privacy: 'secret', created_at: 0 })
      .returning('id')
    await tx('pool_setting').insert({ name: 'pool-room', value: String(row!.id) })
  },
}
