import type { Database, Knex } from '@hansard/sql'
import type { NamedPrincipal } from './list-groups.ts'
import { whereLike } from './wildcard.ts'

/**
 * Whom the lists of a category, or of a room in it, may name: users, groups and domains that are allowed and not denied,
 * themselves or by what holds them. The same as `standingOf` says of each, asked for all at once. With `membersOf`, only
 * those that this room's list of members reaches: whom it may make presenters. By URI.
 */
export async function eligiblePrincipals(
  db: Database,
  options: {
    readonly categoryId: number
    /** a room's id */
    readonly membersOf?: number | undefined
    /** a wildcard for URI or name */
    readonly filter?: string | undefined
    readonly limit: number
  },
): Promise<NamedPrincipal[]> {
  const { categoryId, membersOf, filter, limit } = options
  const { knex } = db
  const scope = (list: string) =>
    knex('category_scope').where({ category_id: categoryId, list }).select('principal_id as id')
  const query = knex
    .with('edge', edges(knex))
    .withRecursive('allowed', within(knex, 'allowed', scope('allowed')))
    .withRecursive('denied', within(knex, 'denied', scope('denied')))
  if (membersOf !== undefined) {
    const members = knex('room_role').where({ room_id: membersOf, role: 'member' }).select('principal_id as id')
    query.withRecursive('member', within(knex, 'member', members)).whereIn('id', knex('member').select('id'))
  }
  query
    .from('principal')
    .whereIn('id', knex('allowed').select('id'))
    .whereNotIn('id', knex('denied').select('id'))
    .orderBy('uri')
    .limit(limit)
    .select('uri', 'display_name as name', 'type')
  if (filter !== undefined) whereLike(query, ['uri', 'display_name'], filter)
  return query
}

/** What holds what: groups their members, domains everything of theirs. */
function edges(knex: Knex): Knex.QueryBuilder {
  return knex('group_member')
    .select('group_id as holder', 'member_id as held')
    .unionAll((domains: Knex.QueryBuilder) =>
      domains
        .from('principal as everyone')
        .join('principal as someone', 'someone.domain', 'everyone.domain')
        .where('everyone.type', 'domain')
        .whereNot('someone.type', 'domain')
        .select('everyone.id as holder', 'someone.id as held'),
    )
}

function within(knex: Knex, name: string, roots: Knex.QueryBuilder): Knex.QueryBuilder {
  // `union`, not `union all`: a cycle of groups, should one ever be there, ends.
  return roots.union(knex('edge').join(name, `${name}.id`, 'edge.holder').select('edge.held as id'))
}
