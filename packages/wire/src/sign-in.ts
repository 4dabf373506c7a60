import { z } from 'zod'

/** `GET /directory` on the pool's address: the URLs of its services. Needs no sign-in. */
export const PoolDirectory = z.object({
  pool: z.string(),
  /** base URL of a lookup service; `POST {lookup}/sign-in` */
  lookup: z.url(),
  /** base URL of the admin API */
  admin: z.url().optional(),
  version: z.string(),
})
export type PoolDirectory = z.infer<typeof PoolDirectory>

/** `POST {lookup}/sign-in`. */
export const SignInRequest = z.strictObject({
  account: z.string().min(1).max(256),
  password: z.string().min(1).max(1_024),
})
export type SignInRequest = z.infer<typeof SignInRequest>

/** What a lookup service answers: a session token, and the least-loaded channel service to use it at. */
export const SignInReply = z.object({
  token: z.string(),
  /** WebSocket URL of the channel service */
  endpoint: z.string(),
  principal: z.object({ id: z.number(), uri: z.string(), name: z.string() }),
  /** milliseconds since 1970 at which the token stops being accepted */
  expiresAt: z.number(),
})
export type SignInReply = z.infer<typeof SignInReply>
