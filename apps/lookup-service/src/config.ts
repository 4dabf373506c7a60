import type { Env } from '@hansard/config'
import { baseUrl, type HttpSettings, httpSettings } from '@hansard/http'

/** What a lookup service can be told. */
export type LookupServiceConfig = {
  /** base URL that clients reach this service at */
  readonly url: string
  /** base URL of the admin API, announced in the directory */
  readonly adminUrl: string | undefined
}

export type LookupProcessConfig = LookupServiceConfig & {
  readonly http: HttpSettings
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly pool: string
  readonly domain: string
  readonly logLevel: string
}

export function lookupProcessConfig(env: Env): LookupProcessConfig {
  const http = httpSettings(env, { host: 'HANSARD_LOOKUP_HOST', port: 'HANSARD_LOOKUP_PORT', portFallback: 7_464 })
  return {
    http,
    url: env.string('HANSARD_LOOKUP_URL', { fallback: baseUrl(http) }),
    adminUrl: env.optional('HANSARD_ADMIN_URL') ?? http.publicUrl,
    databaseUrl: env.string('HANSARD_POOL_DATABASE_URL'),
    redisUrl: env.string('HANSARD_REDIS_URL'),
    pool: env.string('HANSARD_POOL', { fallback: 'pool' }),
    domain: env.string('HANSARD_DOMAIN', { fallback: 'localhost' }),
    logLevel: env.string('HANSARD_LOG_LEVEL', { fallback: 'info' }),
  }
}
