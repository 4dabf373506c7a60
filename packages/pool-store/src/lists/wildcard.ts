import type { Knex } from '@hansard/sql'

/**
 * Narrows a query to rows in which one of the columns is, as a whole and without regard to case, what the wildcard says:
 * `*` stands for any run of characters, everything else for itself.
 */
export function whereLike(query: Knex.QueryBuilder, columns: readonly string[], wildcard: string): void {
  const pattern = wildcard.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%')
  query.andWhere((either) => {
    for (const column of columns) either.orWhereRaw("lower(??) like lower(?) escape '\\'", [column, pattern])
  })
}
