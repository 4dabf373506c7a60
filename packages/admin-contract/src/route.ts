import type { PoolRole } from '@hansard/rooms'
import { z } from 'zod'

/**
 * Who may call a route. A pool role: its holders. `manager`: everybody who is signed in, for rooms they manage and
 * categories they may create rooms in; the command decides that, and a caller who manages nothing learns nothing.
 * `everybody`: no sign-in needed.
 */
export type Caller = PoolRole | 'manager'
type Callers = readonly Caller[] | 'everybody'

/**
 * The read audit of a route. The type requires it of every GET route, and the server commits the record before it
 * does anything else, so a new route cannot forget it.
 */
export type Look =
  | {
      /** whose reads are recorded: everybody's, or those of holders of one of these roles */
      readonly of: 'everybody' | readonly PoolRole[]
      readonly action: string
      /** what is read; `:name` is replaced by that part of the path */
      readonly object: string
    }
  | { readonly of: 'nobody'; readonly because: string }

export type Route<
  B extends z.ZodType | undefined = z.ZodType | undefined,
  R extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
> = {
  /** `:name` is a parameter, percent-encoded */
  readonly path: string
  /** what it does, in one line */
  readonly summary: string
  readonly roles: Callers
  readonly query: Q
  readonly body: B
  readonly reply: R
} & (
  | { readonly method: 'GET'; readonly look: Look }
  /** These are recorded as a change, or as a request to the compliance worker. */
  | { readonly method: 'POST' | 'PATCH' | 'PUT' | 'DELETE'; readonly look?: undefined }
)

/** For a route without a query. Unknown query parameters are refused: a filter must not be ignored silently. */
export const NO_QUERY = z.strictObject({})
