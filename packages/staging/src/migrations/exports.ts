import type { Knex } from '@hansard/sql'

/** Queries must repeat it literally, or the index is not used. */
export const UNSEALED = "state <> 'sealed'"

/**
 * Output: closed intervals, adapters, exports, and which adapter has which event in which export.
 *
 * The primary key of `compliance_fanout` is (adapter, source, number): the database, not the code, guarantees that an
 * adapter never exports an event twice. The decision that closed an interval is recorded per source and never read
 * again from `source`, so an interval rendered again years later has the same content.
 */
export async function createExportTables(tx: Knex.Transaction, dialect: 'sqlite' | 'postgres'): Promise<void> {
  await tx.schema.createTable('closed_interval', (table) => {
    table.bigInteger('number').primary()
    table.bigInteger('starts_at').notNullable().unique()
    table.bigInteger('ends_at').notNullable().unique()
    table.bigInteger('closed_at').notNullable()
  })
  await tx.schema.createTable('closed_interval_source', (table) => {
    table.bigInteger('interval_number').notNullable()
    table.integer('source_id').notNullable()
    table.text('state').notNullable()
    // The source's numbers in `(after_seq, through_seq]` belong to this interval.
    table.bigInteger('after_seq').notNullable()
    table.text('head_after').notNullable()
    table.bigInteger('through_seq').notNullable()
    table.text('head_through').notNullable()
    table.primary(['interval_number', 'source_id'])
  })
  await tx.schema.createTable('adapter_state', (table) => {
    table.text('adapter').primary()
    // Intervals up to this number need no export of this adapter any more, or never did.
    table.bigInteger('exported_through').notNullable()
    table.text('problem')
    table.bigInteger('problem_since')
  })
  await tx.schema.createTable('stylesheet', (table) => {
    table.text('sha256').primary()
    table.text('text').notNullable()
  })
  await tx.schema.createTable('export', (table) => {
    table.increments('id').primary()
    table.text('adapter').notNullable()
    table.integer('number').notNullable()
    table.text('kind').notNullable()
    table.bigInteger('interval_number').notNullable()
    table.bigInteger('starts_at').notNullable()
    table.bigInteger('ends_at').notNullable()
    table.text('state').notNullable()
    table.integer('events').notNullable()
    table.text('settings')
    table.text('stylesheet_sha256')
    table.text('manifest_name')
    table.text('manifest_sha256')
    table.text('previous_manifest_sha256')
    table.bigInteger('planned_at').notNullable()
    table.bigInteger('sealed_at')
    table.unique(['adapter', 'number'])
    table.unique(['adapter', 'interval_number', 'kind', 'starts_at'])
    table.index(['interval_number'])
  })
  // After years there are a hundred thousand sealed exports, and a handful of unsealed ones.
  await tx.raw(`create index export_unsealed on export (adapter, number) where ${UNSEALED}`)
  await tx.schema.createTable('export_file', (table) => {
    table.integer('export_id').notNullable()
    table.integer('position').notNullable()
    table.text('name').notNullable()
    table.text('role').notNullable()
    table.bigInteger('size').notNullable()
    table.text('sha256').notNullable()
    table.integer('events').notNullable()
    table.primary(['export_id', 'position'])
    table.unique(['export_id', 'name'])
  })
  await tx.raw(
    `create table compliance_fanout (
       adapter text not null,
       source_id integer not null,
       seq bigint not null,
       export_id integer not null,
       room_id integer not null,
       room_seq bigint not null,
       primary key (adapter, source_id, seq)
     ) ${dialect === 'sqlite' ? 'without rowid' : ''}`,
  )
  await tx.raw(
    'create index compliance_fanout_order on compliance_fanout (export_id, room_id, room_seq, source_id, seq)',
  )
}
