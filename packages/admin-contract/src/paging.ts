import { TIME_MAX } from '@hansard/wire'
import { z } from 'zod'

const limit = z.coerce.number().int().min(1).max(1_000).default(100)

/** Query of a list: the page after the entry named `after`. Query strings are text, so numbers are coerced. */
export const page = { after: z.string().max(2_048).optional(), limit }

/** `after` of the next page, or null when this was the last. */
export const next = z.string().nullable()

/** Milliseconds since 1970-01-01T00:00:00Z. */
export const timestamp = z.number().int().nonnegative().max(TIME_MAX)

export const count = z.number().int().nonnegative()

/** In a query: the words `true` and `false`. */
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true')

/** In a query: a text in which `*` stands for any run of characters, compared without regard to case. */
export const wildcard = z.string().min(1).max(256)

/** In a query: milliseconds since 1970. */
export const queryTime = z.coerce.number().int().nonnegative().max(TIME_MAX)
