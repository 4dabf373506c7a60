import type { Knex } from '@hansard/sql'

/**
 * Narrows a query to rows in which one of the columns matches the wildcard as a whole, ignoring case: `*` matches any
 * run of characters, every other character itself.
 */
export function whereLike(query: Knex.QueryBuilder, columns: readonly string[], wildcard: string): void {
  const pattern = wildcard.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%')
  query.andWhere((either) => {
    for (const column of columns) either.orWhereRaw("lower(??) like lower(?) escape '\\'", [column, pattern])
  })
}
