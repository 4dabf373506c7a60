import type { Knex } from 'knex'
import { type Database, type SqliteHandle, withPostgres, withSqlite } from './database.ts'
import { rowsOf } from './rows.ts'

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
  postgresText = text,
}: {
  /** unique in the process */
  name: string
  keys: Key extends number ? 'int' : 'text'
  text: string
  /** where PostgreSQL needs another text for a good plan */
  postgresText?: string
}): (db: Database | Knex.Transaction, keys: readonly Key[]) => Promise<Row[]> {
  const forPostgres = postgresText.replaceAll(KEYS, `= any($1::${type}[])`)
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
    if (!('dialect' in db)) {
      return isSqlite(db)
        ? insideTransaction<Row>(db, text, IN_JSON, JSON.stringify(keys))
        : insideTransaction<Row>(db, postgresText, `= any(?::${type}[])`, keys)
    }
    // Listeners to knex's statements hear of these too.
    db.knex.emit('query', { sql: text, bindings: [keys] })
    if (db.dialect === 'sqlite')
      return withSqlite(db, (handle) => statementOf(handle).all({ keys: JSON.stringify(keys) }) as Row[])
    const read = { name, text: forPostgres, values: [keys] }
    return withPostgres(db, async (client) => (await client.query(read)).rows as Row[])
  }
}

function insideTransaction<Row>(tx: Knex.Transaction, text: string, condition: string, value: unknown): Promise<Row[]> {
  const parts = text.split(KEYS)
  return rowsOf<Row>(
    tx,
    parts.join(condition),
    parts.slice(1).map(() => value),
  )
}

const isSqlite = (tx: Knex.Transaction) => tx.client.dialect === 'sqlite3'
const IN_JSON = 'in (select value from json_each(?))'
const KEYS = 'in (:keys)'
