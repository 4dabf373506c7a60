import { z } from 'zod'

/** Query of a list: the page after the entry named `after`. Query strings are text, so numbers are coerced. */
export const PageQuery = z.object({
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
})
export type PageQuery = z.infer<typeof PageQuery>

/** `after` of the next page, or null when this was the last. */
export const next = z.string().nullable()

/** Milliseconds since 1970-01-01T00:00:00Z. */
export const timestamp = z.number().int().nonnegative()

export const count = z.number().int().nonnegative()
