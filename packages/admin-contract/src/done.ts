import { z } from 'zod'

export const Done = z.object({ done: z.literal(true) })
export type Done = z.infer<typeof Done>

/** The name of what was removed. */
export const Removed = z.object({ removed: z.string() })
export type Removed = z.infer<typeof Removed>

/** An OpenAPI 3.1 document. */
export const OpenApiDocument = z.looseObject({ openapi: z.string() })
export type OpenApiDocument = z.infer<typeof OpenApiDocument>
