import { z } from 'zod'

/** The members that name a source. `incarnation` exists from the third format on. */
export const sourceName = {
  source: z
    .string()
    .min(1)
    .refine((name) => name.isWellFormed(), 'not a text'),
  epoch: z.int().min(1),
  incarnation: z
    .string()
    .regex(/^([0-9a-f]{32})?$/, 'not 32 hexadecimal digits')
    .optional(),
}
