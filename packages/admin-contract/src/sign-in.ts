import { POOL_ROLES } from '@hansard/rooms'
import { z } from 'zod'
import { timestamp } from './paging.ts'

export const AdminSignInRequest = z.strictObject({
  account: z.string().min(1).max(256),
  password: z.string().min(1).max(1_024),
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
})
export type AdminSignInReply = z.infer<typeof AdminSignInReply>

/** The account that the first start of a pool creates. */
export const OPERATOR_ACCOUNT = 'operator'
