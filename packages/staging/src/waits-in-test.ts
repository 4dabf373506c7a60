import type { Database } from '@hansard/sql'

/**
 * `waits` once that many connections to this PostgreSQL database wait for a lock, `done` if the work ends before that.
 * Nothing else may use the database meanwhile.
 */
export async function waitsOrDone(db: Database, work: Promise<unknown>, connections = 1): Promise<'waits' | 'done'> {
  let done = false
  const end = () => {
    done = true
  }
  work.then(end, end)
  const waiting = () =>
    db.knex('pg_stat_activity').whereRaw("datname = current_database() and wait_event_type = 'Lock'").select('pid')
  while (!done) if ((await waiting()).length >= connections) return 'waits'
  return 'done'
}
