import { z } from 'zod'

/** URI of a user, a group or a domain (`sip:…`, `ma-grp:…`); a bare account name means that user. */
export const principal = z.string().min(1).max(1_024)

const entries = z.array(principal).max(16_000)

/** A change to a list: entries to add and remove, or with `set` the complete new list. */
export function listChange<S extends z.ZodType>(list: S) {
  return z.union([z.strictObject({ set: list }), z.strictObject({ add: list.optional(), remove: list.optional() })])
}
export const PrincipalsChange = listChange(entries)
export type PrincipalsChange = z.infer<typeof PrincipalsChange>

/** A principal in a list. */
export const PrincipalEntry = z.object({ uri: z.string(), name: z.string(), type: z.enum(['user', 'group', 'domain']) })
export type PrincipalEntry = z.infer<typeof PrincipalEntry>

export const principals = entries
