import type { z } from 'zod'
import { PEOPLE_ROUTES } from './people-routes.ts'
import { RECORD_ROUTES } from './record-routes.ts'
import { ROOMS_ROUTES } from './rooms-routes.ts'
import type { Route } from './route.ts'
import { SETTINGS_ROUTES } from './settings-routes.ts'

/**
 * Every route of the admin API, once, for server and clients.
 *
 * All but those for `everybody` require `Authorization: Bearer <token>`: the token of a sign-in, or the one that a
 * running pool leaves in its data directory for processes that may read it. Success is 200 with `reply`; anything
 * else is a `Problem`. `:name` in a path is a parameter, percent-encoded. A room is given by its URI or its name, a
 * user by its URI or account, a group by its URI or name.
 */
export const ADMIN_ROUTES = {
  ...PEOPLE_ROUTES,
  ...ROOMS_ROUTES,
  ...SETTINGS_ROUTES,
  ...RECORD_ROUTES,
} as const satisfies Record<string, Route>

export type AdminRoutes = typeof ADMIN_ROUTES
export type AdminRouteName = keyof AdminRoutes
export type AdminRequestOf<N extends AdminRouteName> = AdminRoutes[N]['body'] extends z.ZodType
  ? z.input<AdminRoutes[N]['body']>
  : undefined

export type AdminReplyOf<N extends AdminRouteName> = z.output<AdminRoutes[N]['reply']>

/** The path of a route with its `:name` parameters filled in. Throws when one is missing. */
export function adminPath(name: AdminRouteName, parts: Readonly<Record<string, string | number>> = {}): string {
  return ADMIN_ROUTES[name].path.replace(/:([A-Za-z]+)/g, (_, part: string) => {
    const value = parts[part]
    if (value === undefined) throw new Error(`The path of ${name} needs "${part}".`)
    return encodeURIComponent(value)
  })
}
