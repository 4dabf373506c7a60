import type { Knex, Migration } from '@hansard/sql'

/** Recent participants of rooms without history: see departures.ts. */
export const DEPARTURES_MIGRATION: Migration = {
  name: 'departures from rooms without history',
  async up(tx: Knex.Transaction) {
    // In a room without history: the participant may receive every chat after this one. Null in all other rooms.
    await tx.raw('alter table participant add column since bigint')
    await tx.raw(
      `update participant set since = (select last_chat_id from room where room.id = participant.room_id)
       where room_id in (select room.id from room join category on category.id = room.category_id
                         where not category.chat_history)`,
    )
    await tx.raw('create index participant_since on participant (room_id, principal_id) where since is not null')
    await tx.schema.createTable('departure', (table) => {
      table.integer('room_id').notNullable()
      table.integer('principal_id').notNullable()
      table.text('session').notNullable()
      table.bigInteger('since').notNullable()
      table.bigInteger('departed_at').notNullable()
      table.primary(['room_id', 'principal_id', 'session'])
      table.index('departed_at')
    })
    await tx.raw("create index chat_held on chat (room_id, chat_id) where unlogged and state <> 'purged'")
  },
}
