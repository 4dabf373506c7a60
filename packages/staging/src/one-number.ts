import type { Knex } from '@hansard/sql'

/** The one number a query answers with (a count, a sum, a greatest value), or undefined when it answers null. */
export async function oneNumber(query: Knex.QueryBuilder): Promise<number | undefined> {
  const rows = (await query) as Record<string, unknown>[]
  const value = Object.values(rows[0] ?? {})[0]
  // PostgreSQL counts in int8 and sums in numeric, and hands the latter over as text.
  return value === null || value === undefined ? undefined : Number(value)
}
