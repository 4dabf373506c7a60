import type { Knex } from '@hansard/sql'

/**
 * Input: sources, staged events, events that wait before or beside them, and stays in rooms.
 *
 * A source is one start of one service: name and epoch. It has a small number here because millions of rows refer to
 * it. Unchecked texts from outside (`parked_event.body`, `quarantined_event.body`) are stored as JSON string
 * literals: PostgreSQL refuses U+0000, and the quarantine keeps everything whole.
 */
export async function createStagedTables(tx: Knex.Transaction): Promise<void> {
  await tx.schema.createTable('source', (table) => {
    table.increments('id').primary()
    table.text('name').notNullable()
    table.integer('epoch').notNullable()
    // What the pool database reported: the greatest values seen, in whatever order source progress arrives.
    table.text('state').notNullable()
    table.bigInteger('started_at').notNullable()
    table.bigInteger('last_seq').notNullable()
    table.text('head').notNullable()
    table.bigInteger('reported_at').notNullable()
    // What has arrived: every number up to `staged_through` is staged or quarantined.
    table.bigInteger('staged_through').notNullable()
    table.text('staged_head').notNullable()
    table.bigInteger('last_stamp').notNullable()
    // Every number up to `cut_seq` belongs to a closed interval.
    table.bigInteger('cut_seq').notNullable()
    table.text('cut_head').notNullable()
    // 1 when a closed interval has listed the source as ended with nothing to follow.
    table.integer('finished').notNullable()
    table.unique(['name', 'epoch'])
    table.index('finished')
  })
  await tx.schema.createTable('staged_room', (table) => {
    table.increments('id').primary()
    table.text('uri').notNullable().unique()
  })
  await tx.schema.createTable('staged_event', (table) => {
    table.integer('source_id').notNullable()
    table.bigInteger('seq').notNullable()
    table.bigInteger('at').notNullable()
    table.integer('room_id').notNullable()
    table.bigInteger('room_seq').notNullable()
    table.text('kind').notNullable()
    // 0: in time. Otherwise its interval was closed when it arrived, and it belongs to an addendum of this interval.
    table.bigInteger('late_in').notNullable()
    table.text('head').notNullable()
    table.text('body').notNullable()
    table.bigInteger('staged_at').notNullable()
    table.primary(['source_id', 'seq'])
  })
  await tx.raw('create index staged_event_late on staged_event (late_in) where late_in > 0')
  // Events that arrived before their predecessors; checked and staged when the gap fills.
  await tx.schema.createTable('parked_event', (table) => {
    table.integer('source_id').notNullable()
    table.bigInteger('seq').notNullable()
    table.bigInteger('at').notNullable()
    table.text('head').notNullable()
    table.text('body').notNullable()
    table.primary(['source_id', 'seq'])
  })
  await tx.schema.createTable('quarantined_event', (table) => {
    table.integer('source_id').notNullable()
    table.bigInteger('seq').notNullable()
    // Two different texts under one number are both kept.
    table.text('leaf').notNullable()
    table.bigInteger('at').notNullable()
    table.text('head').notNullable()
    table.text('body').notNullable()
    table.text('reason').notNullable()
    table.text('state').notNullable()
    // 1 when the number counts as staged, with this text in its place.
    table.integer('counted').notNullable()
    table.bigInteger('quarantined_at').notNullable()
    table.bigInteger('resolved_at')
    table.primary(['source_id', 'seq', 'leaf'])
    table.index('state')
  })
  await createParticipation(tx)
}

/** One row per stay of a session in a room: the roster at any moment is read from it. */
async function createParticipation(tx: Knex.Transaction): Promise<void> {
  await tx.schema.createTable('participation', (table) => {
    table.integer('room_id').notNullable()
    table.text('session').notNullable()
    table.bigInteger('joined_room_seq').notNullable()
    table.bigInteger('joined_at').notNullable()
    table.bigInteger('joined_late_in').notNullable()
    table.text('principal').notNullable()
    table.text('room_name').notNullable()
    // Of a current stay, all three have the greatest possible number or 0.
    table.bigInteger('parted_room_seq').notNullable()
    table.bigInteger('parted_at').notNullable()
    table.bigInteger('parted_late_in').notNullable()
    table.primary(['room_id', 'session', 'joined_room_seq'])
    table.index(['room_id', 'parted_at'])
    table.index('parted_at')
  })
  await tx.raw('create index participation_parted_late on participation (parted_late_in) where parted_late_in > 0')
  // Departures whose join is not staged yet: a survivor's record may overtake that of the service that died.
  await tx.schema.createTable('early_part', (table) => {
    table.integer('room_id').notNullable()
    table.text('session').notNullable()
    table.bigInteger('room_seq').notNullable()
    table.bigInteger('at').notNullable()
    table.bigInteger('late_in').notNullable()
    table.primary(['room_id', 'session', 'room_seq'])
  })
}
