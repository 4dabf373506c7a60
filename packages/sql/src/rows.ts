import type { Knex } from 'knex'
import type { Dialect } from './database.ts'

/** A piece of SQL and the values of its placeholders. */
export type Bound = { readonly sql: string; readonly values: readonly unknown[] }

/** `column` is one of `values`, of any number. */
export function isOneOf(dialect: Dialect, column: string, values: readonly number[]): Bound {
  return dialect === 'sqlite'
    ? { sql: `${column} in (select value from json_each(?))`, values: [JSON.stringify(values)] }
    : { sql: `${column} = any(?::int[])`, values: [values] }
}

/** Runs a statement that returns rows. The two drivers return them in different shapes. */
export async function rowsOf<Row>(knex: Knex, sql: string, values: readonly unknown[] = []): Promise<Row[]> {
  const answer = (await knex.raw(sql, values as Knex.RawBinding[])) as Row[] | { rows: Row[] }
  return Array.isArray(answer) ? answer : answer.rows
}
