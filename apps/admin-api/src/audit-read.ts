import { ADMIN_ROUTES, type AdminRouteName, type Route } from '@hansard/admin-contract'
import { appendAudit } from '@hansard/staging'
import type { Call } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { roomsMeant } from './managed-rooms.ts'
import { categoryBy } from './name-things.ts'

/** Records a read, or what an operator does to the pool itself, before it is answered. */
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
 * Records a read as its route declares. It is called for every route, before the handler: so a read of something that
 * does not exist is recorded too, and nothing is shown if recording fails.
 */
export async function recordRead(
  deps: Pick<AdminApiDeps, 'complianceDb' | 'poolDb' | 'clock'>,
  name: AdminRouteName,
  call: Pick<Call, 'actor' | 'path' | 'query' | 'byRole'>,
): Promise<void> {
  const { actor, query } = call
  const { look }: Route = ADMIN_ROUTES[name]
  if (look === undefined || look.of === 'nobody') return
  if (look.of !== 'everybody' && !actor.roles.some((role) => look.of.includes(role as never))) return
  const named = await lastingNames(deps, call)
  const object = look.object.replace(/:([A-Za-z]+)/g, (_, part: string) => named[part] ?? '')
  await auditRead(deps, actor.account, look.action, object, query)
}

/** Rooms and categories may be renamed, and rooms may share a name, so the audit trail has the URI of the one that is meant. */
async function lastingNames(
  { poolDb }: Pick<AdminApiDeps, 'poolDb'>,
  call: Pick<Call, 'actor' | 'path' | 'byRole'>,
): Promise<Readonly<Record<string, string>>> {
  const { path } = call
  const { room, category } = path
  if (room !== undefined) {
    const meant = await roomsMeant({ poolDb }, call, room)
    return { ...path, room: meant.length === 1 ? meant[0]!.uri : room }
  }
  if (category === undefined) return path
  const found: { uri: string } | undefined = await poolDb.knex('category').where(categoryBy(category)).first('uri')
  return { ...path, category: found?.uri ?? category }
}
