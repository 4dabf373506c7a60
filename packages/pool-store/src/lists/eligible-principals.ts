import { standingOf } from '@hansard/rooms'
import type { Database } from '@hansard/sql'
import { identitiesOfMany } from '../access/identities.ts'
import { loadRoles, loadScope, NO_ROLES } from '../access/room-access.ts'
import type { NamedPrincipal } from './list-groups.ts'
import { whereLike } from './wildcard.ts'

/**
 * The principals that the lists of a category, or of a room in it, may name: users, groups and domains that are
 * allowed and not denied, directly or through a group or domain that contains them. With `membersOf`, only those
 * reached by this room's member list: its possible presenters. By URI.
 *
 * A single statement would read every principal before it returned the first, and SQLite serves nobody else
 * meanwhile. So principals are read in steps until enough are found.
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
  const scope = await loadScope(db.knex, categoryId)
  const roles = membersOf === undefined ? NO_ROLES : await loadRoles(db.knex, membersOf)
  const found: NamedPrincipal[] = []
  for (let after: string | undefined = ''; after !== undefined; ) {
    const { candidates, last } = await readStep(db, after, filter)
    const identities = await identitiesOfMany(
      db,
      candidates.map(({ id }) => id),
    )
    for (const { id, uri, name, type } of candidates) {
      const standing = standingOf(identities.get(id)!, { scope, roles, administrator: false })
      if (!standing.inScope || (membersOf !== undefined && !standing.roles.has('member'))) continue
      found.push({ uri, name, type })
      if (found.length === limit) return found
    }
    after = last
  }
  return found
}

/** Reads the next principals after a URI: those that match the wildcard, and the last one read if there are more. */
async function readStep(
  { knex }: Database,
  after: string,
  filter: string | undefined,
): Promise<{ candidates: (NamedPrincipal & { readonly id: number })[]; last: string | undefined }> {
  const step = () => knex('principal').where('uri', '>', after).orderBy('uri')
  const end: { uri: string } | undefined = await step()
    .offset(STEP - 1)
    .first('uri')
  const query = step().select('id', 'uri', 'display_name as name', 'type')
  if (end) query.andWhere('uri', '<=', end.uri)
  if (filter !== undefined) whereLike(query, ['uri', 'display_name'], filter)
  return { candidates: await query, last: end?.uri }
}

const STEP = 400
