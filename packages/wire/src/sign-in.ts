import { z } from 'zod'

/** `GET /directory` on the pool's address: the URLs of its services. Needs no sign-in. */
export const PoolDirectory = z.object({
  pool: z.string(),
  /** base URL of a lookup service; `POST {lookup}/sign-in` */
  lookup: z.url(),
  /** base URLs of all lookup services that are known to run; any of them will do */
  lookups: z.array(z.url()).optional(),
  /** base URLs of the file services; a token that names one of them is good at all of them */
  files: z.array(z.url()).optional(),
  /** base URL of the admin API */
  admin: z.url().optional(),
  version: z.string(),
})
export type PoolDirectory = z.infer<typeof PoolDirectory>

/** `POST {lookup}/sign-in`. */
export const SignInRequest = z.strictObject({
  account: z.string().min(1).max(256),
  password: z.string().min(1).max(1_024),
  /** an endpoint this client could not connect to: it is given another one if there is one */
  avoid: z.string().max(2_048).optional(),
  /** the token of this device, from an earlier sign-in with a password: wrong guesses made elsewhere do not delay it */
  device: z.string().max(64).optional(),
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
  /** for this device to keep, after a sign-in with a password on a device that was not known */
  device: z.string().optional(),
})
export type SignInReply = z.infer<typeof SignInReply>
