import { POOL_ROLES } from '@hansard/rooms'
import { z } from 'zod'
import { flag, next, page, timestamp, wildcard } from './paging.ts'
import { listChange } from './principals.ts'

export const BATCH_MAX = 1_000

const account = z.string().min(1).max(256)
const password = z.string().min(8).max(1_024)
const displayName = z.string().min(1).max(256)
const email = z.string().max(320)
export const domain = z.string().min(1).max(253)
export const PoolRole = z.enum(POOL_ROLES)

/**
 * An account to add. Without `password` and `generateKey` nobody can sign in to it yet.
 *
 * `generateKey` makes the server generate a key of 256 random bits. It works wherever a password does and is cheap to
 * verify. The answer contains it, once. An account that exists already does not change, unless `rotateKey` asks for a
 * new key: then the old key or password stops working.
 */
export const NewUser = z.strictObject({
  account,
  displayName: displayName.optional().describe('display name'),
  email: email.optional().describe('mail address of the user'),
  domain: domain.optional().describe('SIP domain; default: the pool’s'),
  /** false for a user of a partner */
  internal: z.boolean().optional(),
  roles: z.array(PoolRole).max(POOL_ROLES.length).optional().describe('a role in the pool'),
  password: password.optional(),
  generateKey: z.boolean().optional(),
  rotateKey: z.boolean().optional(),
})
export type NewUser = z.infer<typeof NewUser>

export const AddUsersRequest = z.strictObject({ users: z.array(NewUser).min(1).max(BATCH_MAX) })
export type AddUsersRequest = z.infer<typeof AddUsersRequest>

/** In the order of the request. */
export const AddUsersReply = z.object({
  users: z.array(z.object({ account, uri: z.string(), created: z.boolean(), key: z.string().optional() })),
})
export type AddUsersReply = z.infer<typeof AddUsersReply>

export const User = z.object({
  account,
  uri: z.string(),
  displayName: z.string().nullable(),
  email: z.string().nullable(),
  domain: z.string(),
  internal: z.boolean(),
  disabled: z.boolean(),
  roles: z.array(PoolRole),
  /** identity of the policy granted to the user itself; null when a wider one applies */
  policy: z.string().nullable(),
})
export type User = z.infer<typeof User>

export const ListUsersQuery = z.strictObject({
  ...page,
  name: wildcard.optional().describe('account or display name; * matches any text'),
  domain: domain.optional().describe('accounts of this domain'),
  internal: flag.optional(),
  disabled: flag.optional().describe('only disabled accounts, or only enabled ones'),
  role: PoolRole.optional().describe('only accounts with this role'),
  policy: z.string().min(1).max(256).optional().describe('only accounts that were granted this policy'),
})
export type ListUsersQuery = z.output<typeof ListUsersQuery>

/** By account name, ascending. */
export const ListUsersReply = z.object({ users: z.array(User), next })
export type ListUsersReply = z.infer<typeof ListUsersReply>

export const UserDetail = User.extend({
  /** groups that contain the user, directly or through other groups */
  groups: z.array(z.object({ uri: z.string(), name: z.string() })),
  /** whether the user's effective policy allows it to use the pool */
  enabled: z.boolean(),
  createdAt: timestamp,
})
export type UserDetail = z.infer<typeof UserDetail>

/** An absent property does not change. Disabling a user or removing a role takes effect at once. */
export const ChangeUserRequest = z.strictObject({
  displayName: displayName.optional().describe('display name'),
  email: email.nullable().optional().describe('mail address of the user'),
  internal: z.boolean().optional(),
  disabled: z.boolean().optional().describe('whether the account is disabled: it cannot sign in'),
  roles: listChange(z.array(PoolRole).max(POOL_ROLES.length)).optional(),
  /** identity of a policy; null removes the user's own */
  policy: z.string().min(1).max(256).nullable().optional(),
})
export type ChangeUserRequest = z.infer<typeof ChangeUserRequest>

export const SetPasswordRequest = z.strictObject({ account, password })
export type SetPasswordRequest = z.infer<typeof SetPasswordRequest>

export const SetPasswordReply = z.object({ account })
export type SetPasswordReply = z.infer<typeof SetPasswordReply>
