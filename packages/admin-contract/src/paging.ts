import { TIME_MAX } from '@hansard/wire'
import { z } from 'zod'

const limit = z.coerce.number().int().min(1).max(1_000).default(100)

/** Query of a list: `after` is the last entry of the previous page. Query strings are text, so numbers are coerced. */
export const page = { after: z.string().max(2_048).optional(), limit }

/** `after` of the next page; null on the last page. */
export const next = z.string().nullable()

/** Milliseconds since 1970-01-01T00:00:00Z. */
export const timestamp = z.number().int().nonnegative().max(TIME_MAX)

export const count = z.number().int().nonnegative()

/** In a query: `true` or `false`. */
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true')

/** In a query: a text in which `*` matches any run of characters; case-insensitive. */
export const wildcard = z.string().min(1).max(256)

/** In a query: milliseconds since 1970. */
export const queryTime = z.coerce.number().int().nonnegative().max(TIME_MAX)
