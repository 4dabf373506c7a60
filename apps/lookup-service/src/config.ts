import type { Env } from '@hansard/config'
import { type TokenKeySource, tokenKeySource } from '@hansard/credentials'

/** What a lookup service can be told. */
export type LookupServiceConfig = {
  /** base URL that clients reach this service at */
  readonly url: string
  /** base URL of the admin API, announced in the directory */
  readonly adminUrl: string | undefined
}

export type LookupProcessConfig = LookupServiceConfig & {
  readonly host: string
  readonly port: number
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly pool: string
  readonly domain: string
  readonly logLevel: string
  readonly tokenKeys: TokenKeySource
}

export function lookupProcessConfig(env: Env): LookupProcessConfig {
  const host = env.string('HANSARD_LOOKUP_HOST', { fallback: '127.0.0.1' })
  const port = env.integer('HANSARD_LOOKUP_PORT', { min: 1, max: 65_535, fallback: 7_464 })
  return {
    host,
    port,
    url: env.string('HANSARD_LOOKUP_URL', { fallback: `http://${host}:${port}` }),
    tokenKeys: tokenKeySource(env),
    adminUrl: env.optional('HANSARD_ADMIN_URL'),
    databaseUrl: env.string('HANSARD_POOL_DATABASE_URL'),
    redisUrl: env.string('HANSARD_REDIS_URL'),
    pool: env.string('HANSARD_POOL', { fallback: 'pool' }),
    domain: env.string('HANSARD_DOMAIN', { fallback: 'localhost' }),
    logLevel: env.string('HANSARD_LOG_LEVEL', { fallback: 'info' }),
  }
}
