import type { RoomRole, ScopeList } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'

/**
 * `identities`: the ids a principal acts under (its own, its groups', its domain's). `reach`: the rooms it may join,
 * those it may see, or those it may know of; members know of a disabled room, which only its managers see.
 */
type RoomViewer = { readonly identities: readonly number[]; readonly reach: 'joinable' | 'seen' | 'known' }

/**
 * @internal The wall in SQL: the same rule as `decide('see')` and `decide('join')` for a caller who is no
 * administrator.
 */
export async function applyWalls(
  knex: Knex,
  query: Knex.QueryBuilder,
  { identities, reach }: RoomViewer,
): Promise<void> {
  query
    .whereIn('room.category_id', categoriesNaming(knex, identities, 'allowed'))
    .whereNotIn('room.category_id', categoriesNaming(knex, identities, 'denied'))
  const member = () => roomsGranting(knex, identities, 'member')
  if (reach === 'joinable') {
    query
      .andWhere('room.disabled', false)
      .andWhere((either) => either.where('room.privacy', 'open').orWhereIn('room.id', member()))
    return
  }
  query.andWhere((either) => {
    if (reach === 'known') either.orWhereIn('room.id', member())
    either
      .orWhereIn('room.id', roomsGranting(knex, identities, 'manager'))
      .orWhere((found) =>
        found
          .where('room.disabled', false)
          .andWhere((known) => known.whereNot('room.privacy', 'secret').orWhereIn('room.id', member())),
      )
  })
}

/** @internal Ids of the rooms that grant the role to one of these principals. */
export function roomsGranting(knex: Knex, principals: readonly number[], role: RoomRole): Knex.QueryBuilder {
  return knex('room_role').whereIn('principal_id', principals).andWhere({ role }).select('room_id')
}

/** @internal Ids of the categories that name one of these principals in a list. */
export function categoriesNaming(knex: Knex, principals: readonly number[], list: ScopeList): Knex.QueryBuilder {
  return knex('category_scope').where({ list }).whereIn('principal_id', principals).select('category_id')
}
