import {
  type CommonSettings,
  commonSettings,
  complianceDatabaseUrl,
  type Env,
  poolDatabaseUrl,
  redisUrl,
} from '@hansard/config'

/** All options of a relay. Times are milliseconds. */
export type RelayConfig = {
  /** names this relay in the log and in the lease */
  readonly relayName: string
  /** maximum number of events in one envelope */
  readonly batchEvents: number
  /**
   * Interval between reads of the outbox while events arrive. Events that arrived in between share an envelope, a
   * transaction of the worker, and every other cost that does not depend on the number of events.
   */
  readonly gatherMs: number
  /** pause between two reads of the outbox while no events arrive */
  readonly pollMs: number
  /** interval between deletions of staged rows from the outbox; shorter when many events are in flight */
  readonly forgetMs: number
  /** Rows stay in the outbox for so long after they are staged: a restored compliance database is filled from them. */
  readonly keepMs: number
  /** maximum number of staged rows in the outbox; beyond it the oldest are deleted however young they are */
  readonly keptRowsMax: number
  /** maximum number of events of one source that are in flight: sent, and not yet seen in the compliance database */
  readonly inFlightMax: number
  /** interval between two source progresses, sent whether or not anything happened */
  readonly rollCallMs: number
  /** events in flight for this long without progress are sent again if the queue is empty */
  readonly resendMs: number
  /** events in flight for this long without progress are sent again, whatever the length of the queue */
  readonly patienceMs: number
  /** duration of the lease: another relay replaces a dead one after this */
  readonly leaseMs: number
}

export const RELAY_DEFAULTS = {
  batchEvents: 100,
  gatherMs: 300,
  pollMs: 500,
  forgetMs: 1_000,
  keepMs: 24 * 3_600_000,
  keptRowsMax: 1_000_000,
  inFlightMax: 5_000,
  rollCallMs: 1_000,
  resendMs: 5_000,
  patienceMs: 60_000,
  leaseMs: 10_000,
} as const satisfies Partial<RelayConfig>

/** The settings of a relay that runs as its own process. */
type RelayProcessConfig = RelayConfig &
  CommonSettings & {
    readonly poolDatabaseUrl: string
    readonly complianceDatabaseUrl: string
    readonly redisUrl: string
  }

export function relayProcessConfig(env: Env): RelayProcessConfig {
  const d = RELAY_DEFAULTS
  return {
    ...commonSettings(env),
    relayName: env.string('HANSARD_RELAY_NAME', { fallback: 'relay' }),
    poolDatabaseUrl: poolDatabaseUrl(env),
    complianceDatabaseUrl: complianceDatabaseUrl(env),
    redisUrl: redisUrl(env),
    batchEvents: env.integer('HANSARD_RELAY_BATCH_EVENTS', { min: 1, max: 1_000, fallback: d.batchEvents }),
    gatherMs: env.integer('HANSARD_RELAY_GATHER_MS', { min: 10, max: 1_000, fallback: d.gatherMs }),
    pollMs: env.integer('HANSARD_RELAY_POLL_MS', { min: 10, max: 10_000, fallback: d.pollMs }),
    forgetMs: d.forgetMs,
    keepMs: 3_600_000 * env.integer('HANSARD_RELAY_KEEP_HOURS', { min: 0, max: 720, fallback: d.keepMs / 3_600_000 }),
    keptRowsMax: env.integer('HANSARD_RELAY_KEPT_ROWS_MAX', { min: 0, max: 100_000_000, fallback: d.keptRowsMax }),
    inFlightMax: env.integer('HANSARD_RELAY_IN_FLIGHT_MAX', { min: 1, max: 1_000_000, fallback: d.inFlightMax }),
    rollCallMs: d.rollCallMs,
    resendMs: 1_000 * env.integer('HANSARD_RELAY_RESEND_SECONDS', { min: 1, max: 3_600, fallback: d.resendMs / 1_000 }),
    patienceMs: d.patienceMs,
    leaseMs: 1_000 * env.integer('HANSARD_RELAY_LEASE_SECONDS', { min: 3, max: 300, fallback: d.leaseMs / 1_000 }),
  }
}
