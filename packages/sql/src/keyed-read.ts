import type { Knex } from 'knex'
import { type Database, type SqliteHandle, withPostgres, withSqlite } from './database.ts'

/**
 * A read for any number of keys in one prepared statement. Both dialects share its text, in which `in (:keys)` stands
 * for the keys.
 *
 * For what every sign-in and every join reads: to build such a statement anew, and to plan it anew for each number of
 * keys, costs more than to execute it. Columns are named one by one: a migration adds some while services run, and
 * PostgreSQL refuses a prepared statement whose columns have changed. For the same reason a migration must not change
 * the type of a named column. Inside a transaction of knex the text is sent as it is, without a name.
 */
export function keyedRead<Key extends number | string, Row>({
  name,
  keys: type,
  text,
}: {
  /** unique in the process */
  name: string
  keys: Key extends number ? 'int' : 'text'
  text: string
}): (db: Database | Knex.Transaction, keys: readonly Key[]) => Promise<Row[]> {
  const forPostgres = text.replaceAll(KEYS, `= any($1::${type}[])`)
  const forSqlite = text.replaceAll(KEYS, 'in (select value from json_each(@keys))')
  const statements = new WeakMap<SqliteHandle, { all(values: object): unknown[] }>()
  const statementOf = (handle: SqliteHandle) => {
    const known = statements.get(handle)
    if (known) return known
    const statement = handle.prepare(forSqlite)
    statements.set(handle, statement)
    return statement
  }
  return async (db, keys) => {
    if (!('dialect' in db)) return insideTransaction<Row>(db, text, type, keys)
    // Listeners to knex's statements hear of these too.
    db.knex.emit('query', { sql: text, bindings: [keys] })
    if (db.dialect === 'sqlite')
      return withSqlite(db, (handle) => statementOf(handle).all({ keys: JSON.stringify(keys) }) as Row[])
    const read = { name, text: forPostgres, values: [keys] }
    return withPostgres(db, async (client) => (await client.query(read)).rows as Row[])
  }
}

async function insideTransaction<Row>(
  tx: Knex.Transaction,
  text: string,
  type: string,
  keys: readonly unknown[],
): Promise<Row[]> {
  const sqlite = tx.client.dialect === 'sqlite3'
  const parts = text.split(KEYS)
  const value = sqlite ? JSON.stringify(keys) : keys
  const values = parts.slice(1).map(() => value as Knex.RawBinding)
  const sql = parts.join(sqlite ? 'in (select value from json_each(?))' : `= any(?::${type}[])`)
  const answer = (await tx.raw(sql, values)) as Row[] | { rows: Row[] }
  return Array.isArray(answer) ? answer : answer.rows
}

const KEYS = 'in (:keys)'
