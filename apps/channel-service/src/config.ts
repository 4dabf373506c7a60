import {
  type ClockSettings,
  type CommonSettings,
  clockSettings,
  commonSettings,
  type Env,
  poolDatabaseUrl,
  redisUrl,
  site,
} from '@hansard/config'
import { PASSWORD_CHARACTERS_MIN, type TokenKeySource, tokenKeySource } from '@hansard/credentials'
import { baseUrl, type HttpSettings, httpSettings, webSocketUrl } from '@hansard/http'
import { SILENT_BEFORE_DEAD_MS } from '@hansard/pool-store'
import { FRAME_BYTES_MAX, type Limits } from '@hansard/wire'

/** All options of a channel service. Times are milliseconds unless the name says otherwise. */
export type ChannelServiceConfig = ClockSettings & {
  /** the source's name: one instance at a time may run under it */
  readonly name: string
  /** WebSocket URL at which clients reach this service */
  readonly endpoint: string
  /** URL of the pool's file service, where tokens are used; undefined: the pool has none */
  readonly filesUrl?: string | undefined
  /** maximum number of sessions; a further connection is refused with HTTP 503 */
  readonly sessionsMax: number
  /**
   * maximum number of sessions of one account on this service, and never more than half of all; a further sign-in is
   * refused
   */
  readonly sessionsPerAccountMax: number
  /**
   * maximum number of connections that have not signed in; a further one closes the oldest; 0: a quarter of
   * `sessionsMax`
   */
  readonly unsignedMax: number
  /** of these, maximum from one address; 0: half of them */
  readonly unsignedPerAddressMax: number
  /** the site whose settings apply to this service, over those of the whole pool */
  readonly site?: string | undefined
  /** override the pool's configuration */
  readonly limits: Partial<Limits>
  /** maximum bytes waiting to be read by one client; above that it is disconnected */
  readonly sessionBufferMax: number
  /** average requests per second of a session */
  readonly requestsPerSecond: number
  /** average bytes per second that a session may send; more is refused with `too-fast` */
  readonly bytesPerSecond: number
  /** average bytes per second that all sessions of an account may send */
  readonly accountBytesPerSecond: number
  readonly signInWithinMs: number
  readonly loadReportMs: number
  readonly heartbeatMs: number
  /** a source that has not reported for this long is declared dead; 0: only by an operator */
  readonly declareDeadAfterMs: number
  /** minimum number of characters of a password that a user chooses */
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
  bytesPerSecond: 2 * 1_024 * 1_024,
  accountBytesPerSecond: 4 * 1_024 * 1_024,
  signInWithinMs: 10_000,
  loadReportMs: 10_000,
  heartbeatMs: 1_000,
  declareDeadAfterMs: 30_000,
  passwordCharactersMin: PASSWORD_CHARACTERS_MIN,
} as const satisfies Partial<ChannelServiceConfig>

/** The settings of a channel service that runs as its own process. */
type ChannelProcessConfig = ChannelServiceConfig &
  CommonSettings & {
    readonly http: HttpSettings
    readonly tokenKeys: TokenKeySource
    readonly poolDatabaseUrl: string
    readonly redisUrl: string
  }

export function channelProcessConfig(env: Env): ChannelProcessConfig {
  const d = CHANNEL_SERVICE_DEFAULTS
  const http = httpSettings(env, 'CHANNEL', 7_465)
  const name = env.string('HANSARD_CHANNEL_NAME')
  // Services behind one public URL are told apart by path.
  const path = http.publicUrl === undefined ? '/channel' : `/channel/${encodeURIComponent(name)}`
  const chatBytesMax = env.integer('HANSARD_CHAT_BYTES_MAX', { min: 0, max: 262_144, fallback: 0 })
  return {
    ...commonSettings(env),
    ...clockSettings(env),
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
    // 0: as configured in the pool.
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
    tokenKeys: tokenKeySource(env),
    passwordCharactersMin: env.integer('HANSARD_PASSWORD_CHARACTERS_MIN', {
      min: PASSWORD_CHARACTERS_MIN,
      max: 64,
      fallback: d.passwordCharactersMin,
    }),
    declareDeadAfterMs: 1_000 * declareDeadAfterSeconds(env),
  }
}

/** 0, or long enough that participants of a source that is cut off no longer receive anything: ten seconds. */
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
