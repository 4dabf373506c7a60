import { POOL_ROLES } from '@hansard/rooms'
import { z } from 'zod'
import { timestamp } from './paging.ts'

export const AdminSignInRequest = z.strictObject({
  account: z.string().min(1).max(256),
  password: z.string().min(1).max(1_024),
  /** the token of this device, from an earlier sign-in with a password: wrong guesses made elsewhere do not delay it */
  device: z.string().max(64).optional(),
})
export type AdminSignInRequest = z.infer<typeof AdminSignInRequest>

/**
 * Every enabled account may sign in; each request is authorized separately. `roles` are the current ones, for a
 * client to show.
 */
export const AdminSignInReply = z.object({
  token: z.string(),
  expiresAt: timestamp.optional(),
  roles: z.array(z.enum(POOL_ROLES)),
  /** for this device to keep, after a sign-in with a password on a device that was not known */
  device: z.string().optional(),
})
export type AdminSignInReply = z.infer<typeof AdminSignInReply>

/** The account that the first start of a pool creates. */
export const OPERATOR_ACCOUNT = 'operator'

/** Proved by the old password: no token is needed. */
export const ChangeOwnPasswordRequest = AdminSignInRequest.extend({ newPassword: z.string().min(1).max(1_024) })
export type ChangeOwnPasswordRequest = z.infer<typeof ChangeOwnPasswordRequest>

export const SignOutRequest = z.strictObject({
  token: z.string().min(1).max(512),
  /** all sessions of the account, not this one alone */
  everywhere: z.boolean().default(false),
})
export type SignOutRequest = z.infer<typeof SignOutRequest>
