import type { Env } from '@hansard/config'
import { PASSWORD_CHARACTERS_MIN, type TokenKeySource, tokenKeySource } from '@hansard/credentials'
import type { Limits } from '@hansard/wire'

/** Everything a channel service can be told. Times are milliseconds unless the name says otherwise. */
export type ChannelServiceConfig = {
  /** the source's name: one instance at a time may run under it */
  readonly name: string
  /** WebSocket URL that clients reach this service at */
  readonly endpoint: string
  /** URL of the pool's file service, which tokens are used at; undefined: the pool has none */
  readonly filesUrl?: string | undefined
  /** sessions at most; a further connection is refused with HTTP 503 */
  readonly sessionsMax: number
  /** sessions of one account on this service at most, and never more than half of all; a further sign-in is refused */
  readonly sessionsPerAccountMax: number
  /** connections that have not signed in, at most: for a further one the oldest goes; 0: a quarter of `sessionsMax` */
  readonly unsignedMax: number
  /** of these, from one address; 0: half of them */
  readonly unsignedPerAddressMax: number
  /** the site whose settings hold for this service, over those of the whole pool */
  readonly site?: string | undefined
  /** what wins over the pool's configuration */
  readonly limits: Partial<Limits>
  /** bytes waiting to be read by one client; above that it is cut off */
  readonly sessionBufferMax: number
  /** requests a session may send in a second, on average */
  readonly requestsPerSecond: number
  readonly signInWithinMs: number
  readonly loadReportMs: number
  readonly heartbeatMs: number
  /** a source that has not reported for so long is declared dead; 0: only by an operator */
  readonly declareDeadAfterMs: number
  /** characters that a password which somebody chooses has at least */
  readonly passwordCharactersMin: number
}

export const CHANNEL_SERVICE_DEFAULTS = {
  sessionsMax: 19_000,
  sessionsPerAccountMax: 64,
  unsignedMax: 0,
  unsignedPerAddressMax: 0,
  limits: {},
  sessionBufferMax: 4 * 1_024 * 1_024,
  requestsPerSecond: 1_000,
  signInWithinMs: 10_000,
  loadReportMs: 10_000,
  heartbeatMs: 1_000,
  declareDeadAfterMs: 0,
  passwordCharactersMin: PASSWORD_CHARACTERS_MIN,
} as const satisfies Partial<ChannelServiceConfig>

/** The settings of a channel service that runs as its own process. */
export type ChannelProcessConfig = ChannelServiceConfig & {
  readonly host: string
  readonly port: number
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly pool: string
  readonly domain: string
  readonly logLevel: string
  readonly tokenKeys: TokenKeySource
}

export function channelProcessConfig(env: Env): ChannelProcessConfig {
  const d = CHANNEL_SERVICE_DEFAULTS
  const host = env.string('HANSARD_CHANNEL_HOST', { fallback: '127.0.0.1' })
  const port = env.integer('HANSARD_CHANNEL_PORT', { min: 1, max: 65_535, fallback: 7_465 })
  const chatBytesMax = env.integer('HANSARD_CHAT_BYTES_MAX', { min: 0, max: 262_144, fallback: 0 })
  return {
    host,
    port,
    name: env.string('HANSARD_CHANNEL_NAME'),
    endpoint: env.string('HANSARD_CHANNEL_ENDPOINT', { fallback: `ws://${host}:${port}/channel` }),
    filesUrl: env.optional('HANSARD_FILES_URL'),
    databaseUrl: env.string('HANSARD_POOL_DATABASE_URL'),
    redisUrl: env.string('HANSARD_REDIS_URL'),
    pool: env.string('HANSARD_POOL', { fallback: 'pool' }),
    domain: env.string('HANSARD_DOMAIN', { fallback: 'localhost' }),
    logLevel: env.string('HANSARD_LOG_LEVEL', { fallback: 'info' }),
    sessionsMax: env.integer('HANSARD_CHANNEL_SESSIONS_MAX', { min: 1, max: 20_000, fallback: d.sessionsMax }),
    sessionsPerAccountMax: env.integer('HANSARD_CHANNEL_SESSIONS_PER_ACCOUNT_MAX', {
      min: 1,
      max: 20_000,
      fallback: d.sessionsPerAccountMax,
    }),
    unsignedMax: env.integer('HANSARD_CHANNEL_UNSIGNED_MAX', { min: 0, max: 20_000, fallback: d.unsignedMax }),
    unsignedPerAddressMax: env.integer('HANSARD_CHANNEL_UNSIGNED_PER_ADDRESS_MAX', {
      min: 0,
      max: 20_000,
      fallback: d.unsignedPerAddressMax,
    }),
    site: env.string('HANSARD_SITE', { fallback: '' }) || undefined,
    // 0: as the pool's configuration says.
    limits: chatBytesMax > 0 ? { chatBytesMax } : {},
    sessionBufferMax: env.integer('HANSARD_CHANNEL_SESSION_BUFFER_BYTES', {
      min: 65_536,
      max: 268_435_456,
      fallback: d.sessionBufferMax,
    }),
    requestsPerSecond: env.integer('HANSARD_CHANNEL_REQUESTS_PER_SECOND', {
      min: 1,
      max: 100_000,
      fallback: d.requestsPerSecond,
    }),
    signInWithinMs: d.signInWithinMs,
    loadReportMs: 1_000 * env.integer('HANSARD_CHANNEL_LOAD_REPORT_SECONDS', { min: 1, max: 60, fallback: 10 }),
    heartbeatMs: d.heartbeatMs,
    tokenKeys: tokenKeySource(env),
    passwordCharactersMin: env.integer('HANSARD_PASSWORD_CHARACTERS_MIN', {
      min: PASSWORD_CHARACTERS_MIN,
      max: 64,
      fallback: d.passwordCharactersMin,
    }),
    declareDeadAfterMs:
      1_000 * env.integer('HANSARD_CHANNEL_DECLARE_DEAD_AFTER_SECONDS', { min: 0, max: 86_400, fallback: 0 }),
  }
}
