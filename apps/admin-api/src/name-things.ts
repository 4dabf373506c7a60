import type { ProblemCode } from '@hansard/admin-contract'
import { findPolicy, listAddIns } from '@hansard/pool-store'
import { groupUri } from '@hansard/rooms'
import type { Database } from '@hansard/sql'
import { AdminProblem } from './problems.ts'

/** How callers name users, groups and categories: by URI, or by name. Rooms: `roomsMeant`. */
export function userBy(text: string): { uri: string } | { account: string } {
  return text.startsWith('sip:') ? { uri: text } : { account: text }
}
export function categoryBy(text: string): { uri: string } | { name: string } {
  return text.startsWith('ma-cat:') ? { uri: text } : { name: text }
}
export function groupBy(text: string, domain: string): string {
  return text.startsWith('ma-grp:') ? text : groupUri(text, domain)
}

/** The id of a user, group or domain. If there is none, -1, which matches nothing: a filter by it finds nothing. */
export async function principalIdOf(db: Database, text: string): Promise<number> {
  const by = /^(sip|ma-grp):/.test(text) ? { uri: text } : { account: text, type: 'user' }
  const row: { id: number } | undefined = await db.knex('principal').where(by).first('id')
  return row?.id ?? -1
}

/** Refuses a filter by a name that does not exist. A domain principal need not be stored anywhere. */
export async function requireFilterNames(
  db: Database,
  {
    category,
    principals = [],
    addIn,
    policy,
  }: {
    category?: string | undefined
    principals?: readonly (string | undefined)[]
    addIn?: string | undefined
    policy?: string | undefined
  },
): Promise<void> {
  if (category !== undefined && !(await db.knex('category').where(categoryBy(category)).first('id')))
    throw noSuch('no-such-category', 'category', category)
  for (const name of principals) {
    if (name === undefined || name.startsWith('ma-grp:*@')) continue
    if ((await principalIdOf(db, name)) === -1) throw noSuch('no-such-principal', 'principal', name)
  }
  if (addIn !== undefined && !(await listAddIns(db)).some(({ name }) => name === addIn))
    throw noSuch('no-such-add-in', 'add-in', addIn)
  if (policy !== undefined && !(await findPolicy(db, policy))) throw noSuch('no-such-policy', 'policy', policy)
}

/** The refusal of a name that does not exist. */
export function noSuch(code: ProblemCode & `no-such-${string}`, what: string, name: string, hint?: string) {
  return new AdminProblem(code, `There is no ${what} ${JSON.stringify(name)}.`, hint)
}

/** The first `limit` entries of a list that was read one longer, and the key of the last one when there are more. */
export function pageOf<T>(found: readonly T[], limit: number, keyOf: (entry: T) => string): [T[], string | null] {
  const page = found.slice(0, limit)
  return [page, found.length > limit ? keyOf(page.at(-1)!) : null]
}
