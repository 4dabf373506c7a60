import { z } from 'zod'
import { next } from './paging.ts'

export const BATCH_MAX = 1_000

const account = z.string().min(1).max(256)
const password = z.string().min(8).max(1_024)

/**
 * An account to add. Without `password` and `generateKey` nobody can sign in as it yet.
 *
 * `generateKey` has the server make a key of 256 random bits, usable wherever a password is and cheap to
 * verify; the answer carries it, once. For an account that exists already nothing is changed, unless
 * `rotateKey` asks for a new key: then the old key or password stops working.
 */
export const NewUser = z.strictObject({
  account,
  displayName: z.string().min(1).max(256).optional(),
  email: z.string().max(320).optional(),
  password: password.optional(),
  generateKey: z.boolean().optional(),
  rotateKey: z.boolean().optional(),
})
export type NewUser = z.infer<typeof NewUser>

export const AddUsersRequest = z.strictObject({ users: z.array(NewUser).min(1).max(BATCH_MAX) })
export type AddUsersRequest = z.infer<typeof AddUsersRequest>

/** In the order asked for. */
export const AddUsersReply = z.object({
  users: z.array(z.object({ account, uri: z.string(), created: z.boolean(), key: z.string().optional() })),
})
export type AddUsersReply = z.infer<typeof AddUsersReply>

export const User = z.object({
  account,
  uri: z.string(),
  displayName: z.string().nullable(),
  email: z.string().nullable(),
  operator: z.boolean(),
})
export type User = z.infer<typeof User>

/** By account name, ascending. */
export const ListUsersReply = z.object({ users: z.array(User), next })
export type ListUsersReply = z.infer<typeof ListUsersReply>

export const SetPasswordRequest = z.strictObject({ account, password })
export type SetPasswordRequest = z.infer<typeof SetPasswordRequest>

export const SetPasswordReply = z.object({ account })
export type SetPasswordReply = z.infer<typeof SetPasswordReply>
