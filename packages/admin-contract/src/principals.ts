import { z } from 'zod'

/** A user's, a group's or a domain's URI (`sip:…`, `ma-grp:…`); a bare account name stands for that user. */
export const principal = z.string().min(1).max(1_024)

const entries = z.array(principal).max(16_000)

/** A change to a list: entries to add and take away, or with `set` all that shall be in it. */
export function listChange<S extends z.ZodType>(list: S) {
  return z.union([z.strictObject({ set: list }), z.strictObject({ add: list.optional(), remove: list.optional() })])
}
export const PrincipalsChange = listChange(entries)
export type PrincipalsChange = z.infer<typeof PrincipalsChange>

/** A principal as lists show it. */
export const PrincipalEntry = z.object({ uri: z.string(), name: z.string(), type: z.enum(['user', 'group', 'domain']) })
export type PrincipalEntry = z.infer<typeof PrincipalEntry>

export const principals = entries
