import { type CommonSettings, commonSettings, type Env, poolDatabaseUrl, redisUrl } from '@hansard/config'
import { type TokenKeySource, tokenKeySource } from '@hansard/credentials'
import { baseUrl, type HttpSettings, httpSettings } from '@hansard/http'

/** All options of a lookup service. */
export type LookupServiceConfig = {
  /** base URL at which clients reach this service */
  readonly url: string
  /** base URL of the admin API, announced in the directory */
  readonly adminUrl: string | undefined
}

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
    http,
    tokenKeys: tokenKeySource(env),
    url: env.string('HANSARD_LOOKUP_URL', { fallback: baseUrl(http) }),
    adminUrl: env.optional('HANSARD_ADMIN_URL') ?? http.publicUrl,
    poolDatabaseUrl: poolDatabaseUrl(env),
    redisUrl: redisUrl(env),
  }
}
