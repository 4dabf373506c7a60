import { z } from 'zod'
import { timestamp } from './paging.ts'

export const AdminSignInRequest = z.strictObject({
  account: z.string().min(1).max(256),
  password: z.string().min(1).max(1_024),
})
export type AdminSignInRequest = z.infer<typeof AdminSignInRequest>

export const AdminSignInReply = z.object({ token: z.string(), expiresAt: timestamp.optional() })
export type AdminSignInReply = z.infer<typeof AdminSignInReply>

/** The account that the first start of a pool makes. */
export const OPERATOR_ACCOUNT = 'operator'
