import type { Database, Knex } from '@hansard/sql'
import { whereLike } from './wildcard.ts'

export type GroupRow = {
  readonly id: number
  readonly uri: string
  readonly displayName: string
  readonly members: number
  readonly createdAt: number
}
export type NamedPrincipal = { readonly uri: string; readonly name: string; readonly type: 'user' | 'group' | 'domain' }

/** Groups by URI, after `after`; with `holding`, only those that contain this principal directly. */
export async function listGroups(
  db: Database,
  options: {
    after?: string | undefined
    limit: number
    /** a wildcard for the display name */
    name?: string | undefined
    holding?: number | undefined
    uri?: string | undefined
  },
): Promise<GroupRow[]> {
  const { after = '', limit, name, holding, uri } = options
  const { knex } = db
  const members = knex('group_member').whereRaw('group_member.group_id = principal.id').count('*')
  const query = knex('principal')
    .where('principal.type', 'group')
    .andWhere('principal.uri', '>', after)
    .orderBy('principal.uri')
    .limit(limit)
    .select('id', 'uri', 'display_name', 'created_at', members.as('members'))
  if (name !== undefined) whereLike(query, ['principal.display_name'], name)
  if (uri !== undefined) query.andWhere('principal.uri', uri)
  if (holding !== undefined)
    query.whereIn('principal.id', knex('group_member').where({ member_id: holding }).select('group_id'))
  const rows: { id: number; uri: string; display_name: string; created_at: number; members: number | string }[] =
    await query
  return rows.map((row) => ({
    id: row.id,
    uri: row.uri,
    displayName: row.display_name,
    members: Number(row.members),
    createdAt: row.created_at,
  }))
}

/** The direct members of a group, by URI. */
export async function membersOf(db: Database, groupId: number): Promise<NamedPrincipal[]> {
  return named(db, db.knex('group_member').where({ group_id: groupId }).select('member_id'))
}

/** Principals by their ids, by URI. */
export async function namedPrincipals(db: Database, ids: Iterable<number>): Promise<NamedPrincipal[]> {
  const all = [...ids]
  const found: NamedPrincipal[] = []
  for (let from = 0; from < all.length; from += BATCH) found.push(...(await named(db, all.slice(from, from + BATCH))))
  return found.sort((a, b) => (a.uri < b.uri ? -1 : 1))
}

async function named(db: Database, ids: Knex.QueryBuilder | readonly number[]): Promise<NamedPrincipal[]> {
  const query = db.knex('principal').orderBy('uri').select('uri', 'display_name as name', 'type')
  return Array.isArray(ids) ? query.whereIn('id', ids) : query.whereIn('id', ids as Knex.QueryBuilder)
}

/** SQLite runs one statement at a time: small steps keep a list of many thousands from blocking others. */
const BATCH = 1_000
