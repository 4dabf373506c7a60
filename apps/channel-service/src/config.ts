import { type CommonSettings, commonSettings, type Env, poolDatabaseUrl, redisUrl, site } from '@hansard/config'
import { baseUrl, type HttpSettings, httpSettings, webSocketUrl } from '@hansard/http'
import { SILENT_BEFORE_DEAD_MS } from '@hansard/pool-store'
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
  /** a source that has not reported for this long is declared dead; 0: only by an operator */
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
  declareDeadAfterMs: 30_000,
} as const satisfies Partial<ChannelServiceConfig>

/** The settings of a channel service that runs as its own process. */
type ChannelProcessConfig = ChannelServiceConfig &
  CommonSettings & {
    readonly http: HttpSettings
    readonly poolDatabaseUrl: string
    readonly redisUrl: string
  }

export function channelProcessConfig(env: Env): ChannelProcessConfig {
  const d = CHANNEL_SERVICE_DEFAULTS
  const http = httpSettings(env, 'CHANNEL', 7_465)
  const name = env.string('HANSARD_CHANNEL_NAME')
  // Behind one public URL the path says which service a connection is for.
  const path = http.publicUrl === undefined ? '/channel' : `/channel/${encodeURIComponent(name)}`
  const chatBytesMax = env.integer('HANSARD_CHAT_BYTES_MAX', { min: 0, max: 262_144, fallback: 0 })
  return {
    ...commonSettings(env),
    http,
    name,
    endpoint: env.string('HANSARD_CHANNEL_ENDPOINT', { fallback: webSocketUrl(baseUrl(http), path) }),
    filesUrl: env.optional('HANSARD_FILES_URL') ?? (http.publicUrl && `${http.publicUrl}/files`),
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
    declareDeadAfterMs: 1_000 * declareDeadAfterSeconds(env),
  }
}

/** 0, or long enough that no participant of a source that is cut off still hears anything: ten seconds. */
function declareDeadAfterSeconds(env: Env): number {
  const name = 'HANSARD_CHANNEL_DECLARE_DEAD_AFTER_SECONDS'
  const seconds = env.integer(name, {
    min: 0,
    max: 86_400,
    fallback: CHANNEL_SERVICE_DEFAULTS.declareDeadAfterMs / 1_000,
  })
  const least = SILENT_BEFORE_DEAD_MS / 1_000
  if (seconds > 0 && seconds < least) env.problem(`${name} is "${seconds}"; it takes 0, or a number from ${least} on.`)
  return seconds
}
