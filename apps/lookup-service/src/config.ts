import { hostname } from 'node:os'
import { type CommonSettings, commonSettings, type Env, poolDatabaseUrl, redisUrl } from '@hansard/config'
import { type TokenKeySource, tokenKeySource } from '@hansard/credentials'
import { baseUrl, type HttpSettings, httpSettings } from '@hansard/http'

/** All options of a lookup service. */
export type LookupServiceConfig = {
  /** the source's name: one instance at a time may run under it */
  readonly name: string
  /** base URL at which clients reach this service */
  readonly url: string
  /** base URL of the admin API, announced in the directory */
  readonly adminUrl: string | undefined
  readonly heartbeatMs: number
  /** how often expired sessions are looked for */
  readonly expiredMs: number
}

export const LOOKUP_SERVICE_DEFAULTS = {
  name: 'lookup-1',
  heartbeatMs: 1_000,
  expiredMs: 1_000,
} as const satisfies Partial<LookupServiceConfig>

type LookupProcessConfig = LookupServiceConfig &
  CommonSettings & {
    readonly http: HttpSettings
    readonly tokenKeys: TokenKeySource
    readonly poolDatabaseUrl: string
    readonly redisUrl: string
  }

export function lookupProcessConfig(env: Env): LookupProcessConfig {
  const http = httpSettings(env, 'LOOKUP', 7_464)
  return {
    ...commonSettings(env),
    ...LOOKUP_SERVICE_DEFAULTS,
    http,
    // Several services may run, and each is a source of its own: the default differs for each, and stays the same.
    name: env.string('HANSARD_LOOKUP_NAME', { fallback: `lookup@${hostname()}:${http.port}` }),
    tokenKeys: tokenKeySource(env),
    url: env.string('HANSARD_LOOKUP_URL', { fallback: baseUrl(http) }),
    adminUrl: env.optional('HANSARD_ADMIN_URL') ?? http.publicUrl,
    poolDatabaseUrl: poolDatabaseUrl(env),
    redisUrl: redisUrl(env),
  }
}
