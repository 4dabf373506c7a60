import type { PoolRole } from '@hansard/rooms'
import { z } from 'zod'

/**
 * Who may call a route: holders of a role in the pool, and with `manager` everybody who is signed in, for rooms this
 * person manages (or categories it may make rooms in): that is decided where the change is made, and whoever manages
 * nothing learns nothing. `everybody`: nobody need sign in.
 */
export type Caller = PoolRole | 'manager'
type Callers = readonly Caller[] | 'everybody'

/**
 * What the audit trail keeps of whoever reads through a route. Every route that reads says so, and the server records it
 * before anything else is done: a route that is added cannot forget to.
 */
export type Look =
  | {
      /** whose looks are kept: everybody's, or those of people who hold one of these roles */
      readonly of: 'everybody' | readonly PoolRole[]
      readonly action: string
      /** what is looked at; `:name` stands for that part of the path */
      readonly object: string
    }
  | { readonly of: 'nobody'; readonly because: string }

export type Route<
  B extends z.ZodType | undefined = z.ZodType | undefined,
  R extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
> = {
  /** with `:name` for a part that varies, percent-encoded */
  readonly path: string
  /** what it does, in a line */
  readonly summary: string
  readonly roles: Callers
  readonly query: Q
  readonly body: B
  readonly reply: R
} & (
  | { readonly method: 'GET'; readonly look: Look }
  /** What these change is on record as a change, or as a request to the compliance worker. */
  | { readonly method: 'POST' | 'PATCH' | 'PUT' | 'DELETE'; readonly look?: undefined }
)

/** Of a route that takes none. Query parameters that a route does not know are refused: a filter may not go unheard. */
export const NO_QUERY = z.strictObject({})
