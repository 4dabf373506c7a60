import type { PoolRole } from '@hansard/rooms'
import { z } from 'zod'

/**
 * Who may call a route: holders of a role in the pool, and with `manager` everybody who is signed in, for rooms this
 * person manages (or categories it may make rooms in): that is decided where the change is made, and whoever manages
 * nothing learns nothing. `everybody`: nobody need sign in.
 */
export type Caller = PoolRole | 'manager'
export type Callers = readonly Caller[] | 'everybody'

export type Route<
  B extends z.ZodType | undefined = z.ZodType | undefined,
  R extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
> = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** with `:name` for a part that varies, percent-encoded */
  readonly path: string
  /** what it does, in a line */
  readonly summary: string
  readonly roles: Callers
  readonly query: Q
  readonly body: B
  readonly reply: R
}

/** Of a route that takes none. Query parameters that a route does not know are refused: a filter may not go unheard. */
export const NO_QUERY = z.strictObject({})
