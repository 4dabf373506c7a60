import {
  type CommonSettings,
  commonSettings,
  type Env,
  type ListenAddress,
  listenAddress,
  poolDatabaseUrl,
  redisUrl,
} from '@hansard/config'

/** What a lookup service can be told. */
export type LookupServiceConfig = {
  /** base URL that clients reach this service at */
  readonly url: string
  /** base URL of the admin API, announced in the directory */
  readonly adminUrl: string | undefined
}

export type LookupProcessConfig = LookupServiceConfig &
  CommonSettings &
  ListenAddress & {
    readonly poolDatabaseUrl: string
    readonly redisUrl: string
  }

export function lookupProcessConfig(env: Env): LookupProcessConfig {
  const { host, port } = listenAddress(env, 'LOOKUP', 7_464)
  return {
    ...commonSettings(env),
    host,
    port,
    url: env.string('HANSARD_LOOKUP_URL', { fallback: `http://${host}:${port}` }),
    adminUrl: env.optional('HANSARD_ADMIN_URL'),
    poolDatabaseUrl: poolDatabaseUrl(env),
    redisUrl: redisUrl(env),
  }
}
