import type { Clock } from '@hansard/clock'
import type { Knex } from 'knex'
import type { Database } from './database.ts'

/**
 * The time by the clock of the database, in milliseconds since 1970. Several machines share one PostgreSQL server, so
 * its clock is the only one on which they agree. SQLite has no clock but that of its machine.
 *
 * `knex`: the transaction that needs the time.
 */
export async function databaseNow(db: Database, clock: Clock, knex: Knex = db.knex): Promise<number> {
  if (db.dialect === 'sqlite') return clock.now()
  if (clock.serverNow) return clock.serverNow()
  const { rows }: { rows: { now: number }[] } = await knex.raw(
    'select (extract(epoch from clock_timestamp()) * 1000)::bigint as now',
  )
  return rows[0]!.now
}
