import type { Dialect, Knex } from '@hansard/sql'
import type { Contents } from './data-format.ts'

/**
 * The rows an export covers, as ids in the byte order of their URIs, whatever the database's own collation is. For a
 * hundred thousand rooms that is less than a megabyte; everything else is then read in pieces by id.
 */
export type Selection = {
  readonly categories: readonly number[]
  readonly rooms: readonly number[]
  readonly principals: readonly number[]
}
export type SelectionOptions = {
  readonly contents: Contents
  /** ids of categories, or undefined: all */
  readonly scope: readonly number[] | undefined
  /** only rooms created since then or with chats since then, milliseconds */
  readonly start: number | undefined
}

export async function selectRows(
  tx: Knex.Transaction,
  dialect: Dialect,
  { contents, scope, start }: SelectionOptions,
): Promise<Selection> {
  const holds = (kind: Contents['kinds'][number]) => contents.kinds.includes(kind)
  const ordered = async (query: Knex.QueryBuilder, column: string): Promise<number[]> => {
    const rows: { id: number }[] = await query.orderByRaw(dialect === 'postgres' ? `${column} collate "C"` : column)
    return rows.map((row) => row.id)
  }
  const among = (query: Knex.QueryBuilder, column: string) => {
    if (scope) query.whereIn(column, scope)
    return query
  }
  const rooms = () => {
    const query = among(tx('room').whereNotNull('room.category_id').whereNull('room.deleted_at'), 'room.category_id')
    if (start === undefined) return query
    return query.andWhere((either) =>
      either.where('room.created_at', '>=', start).orWhereRaw(`(${LATEST}) >= ?`, [start]),
    )
  }
  const everybody = !contents.references.includes('principals')
  // Everybody the rest refers to, and the members of the groups among them: a wall means nothing without them.
  const named = () =>
    tx
      .withRecursive('named', (query) => {
        query.from(among(tx('category_scope'), 'category_id').select('principal_id as id').as('scopes')).select('id')
        if (holds('rooms')) {
          const roomIds = () => rooms().select('room.id')
          query.union(tx('room_role').whereIn('room_id', roomIds()).select('principal_id'))
          if (contents.chats) {
            query.union(tx('chat').whereIn('room_id', roomIds()).select('principal_id'))
            query.union(tx('file').whereIn('room_id', roomIds()).select('principal_id'))
          }
        }
        query.union(
          tx('group_member').join('named', 'named.id', 'group_member.group_id').select('group_member.member_id'),
        )
      })
      .from('principal')
      .whereIn('id', tx('named').select('id'))
  return {
    categories: holds('categories') ? await ordered(among(tx('category'), 'id').select('id'), 'uri') : [],
    rooms: holds('rooms') ? await ordered(rooms().select('room.id'), 'room.uri') : [],
    principals: holds('principals')
      ? await ordered(everybody ? tx('principal').select('id') : named().select('id'), 'uri')
      : [],
  }
}

const LATEST = 'select posted_at from chat where chat.room_id = room.id order by chat_id desc limit 1'

/** Pieces of a list, in its order. */
export function* piecesOf<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size)
}
