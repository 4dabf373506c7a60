import type { z } from 'zod'
import { ExportDetail, ListExportsReply } from './exports.ts'
import { QuarantineReply } from './quarantine.ts'
import { RequestAccepted, RequestState } from './requests.ts'
import { AddRoomsReply, AddRoomsRequest, ListRoomsReply } from './rooms.ts'
import { AdminSignInReply, AdminSignInRequest } from './sign-in.ts'
import { DeclareDeadReply, DeclareDeadRequest, PoolStatus } from './status.ts'
import { AddUsersReply, AddUsersRequest, ListUsersReply, SetPasswordReply, SetPasswordRequest } from './users.ts'

/**
 * Every route of the admin API, once, for the server that answers and the clients that ask.
 *
 * All but `signIn` take `Authorization: Bearer <token>`: the token of a sign-in, or the one a running pool
 * leaves in its data directory for whoever may read that. A success is 200 with `reply`; anything else is
 * a `Problem`. Paths hold `:name` for a part that varies, percent-encoded.
 */
export type Route<B extends z.ZodType | undefined, R extends z.ZodType> = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: B
  readonly reply: R
}

export const ADMIN_ROUTES = {
  signIn: { method: 'POST', path: '/admin/sign-in', body: AdminSignInRequest, reply: AdminSignInReply },
  addUsers: { method: 'POST', path: '/admin/users', body: AddUsersRequest, reply: AddUsersReply },
  listUsers: { method: 'GET', path: '/admin/users', body: undefined, reply: ListUsersReply },
  setPassword: { method: 'POST', path: '/admin/users/passwd', body: SetPasswordRequest, reply: SetPasswordReply },
  addRooms: { method: 'POST', path: '/admin/rooms', body: AddRoomsRequest, reply: AddRoomsReply },
  listRooms: { method: 'GET', path: '/admin/rooms', body: undefined, reply: ListRoomsReply },
  status: { method: 'GET', path: '/admin/status', body: undefined, reply: PoolStatus },
  seal: { method: 'POST', path: '/admin/seal', body: undefined, reply: RequestAccepted },
  request: { method: 'GET', path: '/admin/requests/:id', body: undefined, reply: RequestState },
  listExports: { method: 'GET', path: '/admin/exports', body: undefined, reply: ListExportsReply },
  showExport: { method: 'GET', path: '/admin/exports/:adapter/:number', body: undefined, reply: ExportDetail },
  replayExport: {
    method: 'POST',
    path: '/admin/exports/:adapter/:number/replay',
    body: undefined,
    reply: RequestAccepted,
  },
  quarantine: { method: 'GET', path: '/admin/quarantine', body: undefined, reply: QuarantineReply },
  retryQuarantine: { method: 'POST', path: '/admin/quarantine/retry', body: undefined, reply: RequestAccepted },
  declareDead: {
    method: 'POST',
    path: '/admin/sources/declare-dead',
    body: DeclareDeadRequest,
    reply: DeclareDeadReply,
  },
} as const satisfies Record<string, Route<z.ZodType | undefined, z.ZodType>>

export type AdminRoutes = typeof ADMIN_ROUTES
export type AdminRouteName = keyof AdminRoutes
export type AdminRequestOf<N extends AdminRouteName> = AdminRoutes[N]['body'] extends z.ZodType
  ? z.input<AdminRoutes[N]['body']>
  : undefined
export type AdminReplyOf<N extends AdminRouteName> = z.output<AdminRoutes[N]['reply']>

/** The path of a route with its `:name` parts filled in. Throws when one is missing. */
export function adminPath(name: AdminRouteName, parts: Readonly<Record<string, string | number>> = {}): string {
  return ADMIN_ROUTES[name].path.replace(/:([a-z]+)/g, (_, part: string) => {
    const value = parts[part]
    if (value === undefined) throw new Error(`The path of ${name} needs "${part}".`)
    return encodeURIComponent(value)
  })
}
