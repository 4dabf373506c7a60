import type { Knex } from '@hansard/sql'

/** The single number that a query returns (a count, a sum, a maximum), or undefined when it is null. */
export async function oneNumber(query: Knex.QueryBuilder): Promise<number | undefined> {
  const rows = (await query) as Record<string, unknown>[]
  const value = Object.values(rows[0] ?? {})[0]
  // PostgreSQL counts in int8 and sums in numeric, which it returns as text.
  return value === null || value === undefined ? undefined : Number(value)
}
