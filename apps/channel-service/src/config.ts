import {
  type CommonSettings,
  commonSettings,
  type Env,
  type ListenAddress,
  listenAddress,
  poolDatabaseUrl,
  redisUrl,
  site,
} from '@hansard/config'
import { FRAME_BYTES_MAX, type Limits } from '@hansard/wire'

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
  /** bytes a session may send in a second, on average; more is refused with `too-fast` */
  readonly bytesPerSecond: number
  /** bytes all sessions of an account may send in a second, on average */
  readonly accountBytesPerSecond: number
  readonly signInWithinMs: number
  readonly loadReportMs: number
  readonly heartbeatMs: number
  /** a source that has not reported for so long is declared dead; 0: only by an operator */
  readonly declareDeadAfterMs: number
}

export const CHANNEL_SERVICE_DEFAULTS = {
  sessionsMax: 19_000,
  sessionsPerAccountMax: 64,
  unsignedMax: 0,
  unsignedPerAddressMax: 0,
  limits: {},
  sessionBufferMax: 4 * 1_024 * 1_024,
  requestsPerSecond: 1_000,
  bytesPerSecond: 2 * 1_024 * 1_024,
  accountBytesPerSecond: 4 * 1_024 * 1_024,
  signInWithinMs: 10_000,
  loadReportMs: 10_000,
  heartbeatMs: 1_000,
  declareDeadAfterMs: 0,
} as const satisfies Partial<ChannelServiceConfig>

/** The settings of a channel service that runs as its own process. */
export type ChannelProcessConfig = ChannelServiceConfig &
  CommonSettings &
  ListenAddress & {
    readonly poolDatabaseUrl: string
    readonly redisUrl: string
  }

export function channelProcessConfig(env: Env): ChannelProcessConfig {
  const d = CHANNEL_SERVICE_DEFAULTS
  const { host, port } = listenAddress(env, 'CHANNEL', 7_465)
  const chatBytesMax = env.integer('HANSARD_CHAT_BYTES_MAX', { min: 0, max: 262_144, fallback: 0 })
  return {
    ...commonSettings(env),
    host,
    port,
    name: env.string('HANSARD_CHANNEL_NAME'),
    endpoint: env.string('HANSARD_CHANNEL_ENDPOINT', { fallback: `ws://${host}:${port}/channel` }),
    filesUrl: env.optional('HANSARD_FILES_URL'),
    poolDatabaseUrl: poolDatabaseUrl(env),
    redisUrl: redisUrl(env),
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
    site: site(env),
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
    // A bucket holds two seconds' worth: the longest frame always fits.
    bytesPerSecond: env.integer('HANSARD_CHANNEL_BYTES_PER_SECOND', {
      min: FRAME_BYTES_MAX / 2,
      max: 1_073_741_824,
      fallback: d.bytesPerSecond,
    }),
    accountBytesPerSecond: env.integer('HANSARD_CHANNEL_ACCOUNT_BYTES_PER_SECOND', {
      min: FRAME_BYTES_MAX / 2,
      max: 1_073_741_824,
      fallback: d.accountBytesPerSecond,
    }),
    signInWithinMs: d.signInWithinMs,
    loadReportMs: 1_000 * env.integer('HANSARD_CHANNEL_LOAD_REPORT_SECONDS', { min: 1, max: 60, fallback: 10 }),
    heartbeatMs: d.heartbeatMs,
    declareDeadAfterMs:
      1_000 * env.integer('HANSARD_CHANNEL_DECLARE_DEAD_AFTER_SECONDS', { min: 0, max: 86_400, fallback: 0 }),
  }
}
