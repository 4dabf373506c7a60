import type { Database } from '@hansard/sql'
import { whereLike } from './wildcard.ts'

/** Categories in which one of these principals may create rooms, or with `everywhere` all categories; by name. */
export async function creatableCategories(
  db: Database,
  who: { readonly identities: readonly number[] } | 'everywhere',
  /** a wildcard for the name */
  like?: string,
): Promise<{ id: number; name: string; description: string }[]> {
  const query = db.knex('category').orderBy('name').select('id', 'name', 'description')
  if (like !== undefined) whereLike(query, ['name'], like)
  if (who === 'everywhere') return query
  const categories = (list: string) =>
    db.knex('category_scope').where({ list }).whereIn('principal_id', who.identities).select('category_id')
  return query
    .whereIn('id', categories('allowed'))
    .whereNotIn('id', categories('denied'))
    .whereIn('id', categories('creator'))
}
