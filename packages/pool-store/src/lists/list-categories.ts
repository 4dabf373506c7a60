import type { Database } from '@hansard/sql'
import { loadScope } from '../access/room-access.ts'
import { type NamedPrincipal, namedPrincipals } from './list-groups.ts'
import { whereLike } from './wildcard.ts'

export type CategoryRow = {
  readonly id: number
  readonly uri: string
  readonly name: string
  readonly description: string
  readonly invitations: boolean
  readonly fileUpload: boolean
  readonly chatHistory: boolean
  /** rooms in it that are not deleted */
  readonly rooms: number
  readonly createdAt: number
}

/** Categories by name, after `after`; with `naming`, only those whose lists name this principal. */
export async function listCategories(
  db: Database,
  options: {
    after?: string | undefined
    limit: number
    /** a wildcard */
    name?: string | undefined
    naming?: number | undefined
    exactly?: { readonly name: string } | { readonly uri: string } | undefined
  },
): Promise<CategoryRow[]> {
  const { after = '', limit, name, naming, exactly } = options
  const { knex } = db
  const rooms = knex('room').whereRaw('room.category_id = category.id').whereNull('room.deleted_at').count('*')
  const query = knex('category')
    .where('category.name', '>', after)
    .orderBy('category.name')
    .limit(limit)
    .select('category.*', rooms.as('rooms'))
  if (name !== undefined) whereLike(query, ['category.name'], name)
  if (exactly !== undefined) query.andWhere(exactly)
  if (naming !== undefined)
    query.whereIn('category.id', knex('category_scope').where({ principal_id: naming }).select('category_id'))
  const rows: Row[] = await query
  return rows.map((row) => ({
    id: row.id,
    uri: row.uri,
    name: row.name,
    description: row.description,
    invitations: Boolean(row.invitations),
    fileUpload: Boolean(row.file_upload),
    chatHistory: Boolean(row.chat_history),
    rooms: Number(row.rooms),
    createdAt: row.created_at,
  }))
}

/** The lists of a category, by principal URI. */
export async function categoryLists(
  db: Database,
  categoryId: number,
): Promise<{ allowed: NamedPrincipal[]; denied: NamedPrincipal[]; creators: NamedPrincipal[] }> {
  const { allowed, denied, creators } = await loadScope(db.knex, categoryId)
  return {
    allowed: await namedPrincipals(db, allowed),
    denied: await namedPrincipals(db, denied),
    creators: await namedPrincipals(db, creators),
  }
}

type Row = {
  id: number
  uri: string
  name: string
  description: string
  invitations: boolean | number
  file_upload: boolean | number
  chat_history: boolean | number
  rooms: number | string
  created_at: number
}
