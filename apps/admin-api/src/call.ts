import {
  ADMIN_ROUTES,
  type AdminReplyOf,
  type AdminRouteName,
  type AdminRoutes,
  type Caller,
  type Route,
} from '@hansard/admin-contract'
import { type Principal, policyEnables } from '@hansard/pool-store'
import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { AdminApiDeps } from './deps.ts'
import { AdminProblem, parse } from './problems.ts'

/** One validated request: the caller, and the parameters. */
export type Call<N extends AdminRouteName = AdminRouteName> = {
  /** undefined on routes that everybody may call */
  readonly actor: Principal
  /** the path parameters, decoded */
  readonly path: Readonly<Record<string, string>>
  readonly query: z.output<AdminRoutes[N]['query']>
  readonly body: AdminRoutes[N]['body'] extends z.ZodType ? z.output<AdminRoutes[N]['body']> : undefined
  readonly remote: string
  /** the caller holds a role that may call the route; otherwise it calls as a manager of rooms */
  readonly byRole: boolean
}
export type Handle<N extends AdminRouteName> = (deps: AdminApiDeps, call: Call<N>) => Promise<AdminReplyOf<N>>
export type Handlers<N extends AdminRouteName = AdminRouteName> = { readonly [K in N]: Handle<K> }

/**
 * Authorizes before it validates: a caller that may not call a route learns nothing of its parameters. Reads the
 * principal and its roles again with every request, so that a removed role or account has no effect any more.
 */
export async function callOf<N extends AdminRouteName>(
  name: N,
  request: FastifyRequest,
  { signIn, poolDb, pool, site }: Pick<AdminApiDeps, 'signIn' | 'poolDb' | 'pool' | 'site'>,
): Promise<Call<N>> {
  const route: Route = ADMIN_ROUTES[name]
  const actor = route.roles === 'everybody' ? NOBODY : await signedIn(signIn, request)
  const byRole = route.roles === 'everybody' || actor.roles.some((role) => route.roles.includes(role as never))
  const refuse = () => {
    const { account, id: principalId } = actor
    signIn.record.note({ outcome: 'not-allowed', account, principalId, remote: request.ip, detail: name })
    return notAllowed(route.roles as readonly Caller[])
  }
  if (!byRole && !route.roles.includes('manager' as never)) throw refuse()
  // Roles apply whatever the policy says, because somebody must be able to change the policy. Managing rooms requires
  // permission to use the pool.
  if (!byRole && !(await policyEnables(poolDb, { pool, site, principalId: actor.id }))) throw refuse()
  const path = request.params as Record<string, string>
  const query = parse(route.query, request.query)
  const body = route.body ? parse(route.body, request.body) : undefined
  refuseUnstorable({ path, query, body })
  return {
    actor,
    path,
    query,
    body,
    remote: request.ip,
    byRole,
  } as Call<N>
}

export function notAllowed(roles: readonly Caller[]): AdminProblem {
  const held = roles.filter((role) => role !== 'manager')
  return new AdminProblem('not-allowed', `This takes the role ${held.join(' or ')}.`)
}

export async function signedIn(signIn: AdminApiDeps['signIn'], request: FastifyRequest): Promise<Principal> {
  const bearer = /^Bearer (\S{1,512})$/.exec(request.headers.authorization ?? '')
  const holder = bearer ? await signIn.withToken(bearer[1]!) : undefined
  if (bearer && !holder) signIn.record.note({ outcome: 'token-refused', account: '', remote: request.ip })
  if (!holder) throw new AdminProblem('not-signed-in', 'Sign in first: the request carries no valid token.')
  return holder.principal
}

/** PostgreSQL stores neither U+0000 nor half a surrogate pair, so nothing has such a name. */
function refuseUnstorable(value: unknown): void {
  if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed()))
    throw new AdminProblem('malformed', 'A text holds U+0000 or half a surrogate pair, which cannot be stored.')
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) refuseUnstorable(part)
}

const NOBODY = undefined as unknown as Principal
