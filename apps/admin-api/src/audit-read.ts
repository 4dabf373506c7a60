import { ADMIN_ROUTES, type AdminRouteName, type Route } from '@hansard/admin-contract'
import { findRoom } from '@hansard/pool-store'
import { appendAudit } from '@hansard/staging'
import type { Call } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { categoryBy, roomBy } from './name-things.ts'

/** Puts a look, or what an operator does to the pool itself, on record before it is answered. */
export async function auditRead(
  { complianceDb, clock }: Pick<AdminApiDeps, 'complianceDb' | 'clock'>,
  actor: string,
  action: string,
  object: string,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await appendAudit(complianceDb.knex, { at: clock.now(), actor, action, object, detail })
}

/**
 * Puts on record what a route of the catalogue says is to be kept of a look. It is called for every route, before what
 * answers it: so whoever looked for something that is not there is on record too, and nobody is shown anything when
 * this fails.
 */
export async function recordRead(
  deps: Pick<AdminApiDeps, 'complianceDb' | 'poolDb' | 'clock'>,
  name: AdminRouteName,
  { actor, path, query }: Pick<Call, 'actor' | 'path' | 'query'>,
): Promise<void> {
  const { look }: Route = ADMIN_ROUTES[name]
  if (look === undefined || look.of === 'nobody') return
  if (look.of !== 'everybody' && !actor.roles.some((role) => look.of.includes(role as never))) return
  const named = await lastingNames(deps, path)
  const object = look.object.replace(/:([A-Za-z]+)/g, (_, part: string) => named[part] ?? '')
  await auditRead(deps, actor.account, look.action, object, query)
}

/** Rooms and categories change their names: the trail names them by their URIs, as long as there are such. */
async function lastingNames(
  { poolDb }: Pick<AdminApiDeps, 'poolDb'>,
  path: Call['path'],
): Promise<Readonly<Record<string, string>>> {
  const { room, category } = path
  if (room !== undefined) return { ...path, room: (await findRoom(poolDb, roomBy(room)))?.uri ?? room }
  if (category === undefined) return path
  const found: { uri: string } | undefined = await poolDb.knex('category').where(categoryBy(category)).first('uri')
  return { ...path, category: found?.uri ?? category }
}
