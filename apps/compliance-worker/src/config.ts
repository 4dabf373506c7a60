import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { AdapterSetting } from '@hansard/adapter'
import {
  type CommonSettings,
  commonSettings,
  complianceDatabaseUrl,
  decodeText,
  directoriesAllowed,
  type Env,
  redisUrl,
} from '@hansard/config'
import { parseRunInterval } from '@hansard/conversation'
import { DEFAULT_ADAPTERS, parseAdapterSettings } from './adapter-settings.ts'
import { type AnchorSetting, anchorProblem, anchorSettings } from './anchor-settings.ts'
import { type SigningKeySource, signingKeySource } from './signing-key-file.ts'

/** All options of a compliance worker. */
export type ComplianceWorkerConfig = {
  /** the pool's name, written to manifests */
  readonly pool: string
  /** for logs, status and the lease; each start of a worker appends a suffix of its own */
  readonly workerName: string
  /** default; the compliance configuration overrides it */
  readonly runIntervalMs: number
  /** contains a directory for each adapter, named after the adapter */
  readonly outputDirectory: string
  /** the initial export configuration: copied into the compliance database on the first start */
  readonly adapters: readonly AdapterSetting[]
  /** absolute paths outside the output directory that adapters may write to */
  readonly directoriesAllowed?: readonly string[] | undefined
  /** directory of uploaded files; without it an export that contains an upload is not sealed */
  readonly complianceFileStore?: string | undefined
  /** the key that pool manifests and checkpoints are signed with; without it there are none */
  readonly signingKey?: SigningKeySource | undefined
  /** where the newest checkpoint goes after each interval */
  readonly anchors?: readonly AnchorSetting[] | undefined
  /** how often the exporter looks for work, in addition to waking up for source progress */
  readonly tickMs: number
  /** how often every sealed file is read again and compared with its hash; 0 turns it off */
  readonly checkFilesEveryMs?: number | undefined
  /** duration of the lease: how long a dead worker delays its successor */
  readonly leaseMs?: number | undefined
}

export const CHECK_FILES_EVERY_MS = 24 * 3_600_000

/** The lease is renewed three times as often. */
export const LEASE_MS = 6_000

/** The settings of a worker that runs as its own process. */
type ComplianceProcessConfig = Omit<ComplianceWorkerConfig, 'pool'> &
  CommonSettings & {
    readonly complianceDatabaseUrl: string
    readonly redisUrl: string
  }

export function complianceProcessConfig(env: Env): ComplianceProcessConfig {
  const config = {
    ...commonSettings(env),
    complianceDatabaseUrl: complianceDatabaseUrl(env),
    redisUrl: redisUrl(env),
    workerName: env.string('HANSARD_WORKER_NAME', { fallback: `worker@${hostname()}` }),
    runIntervalMs: env.parsed('HANSARD_RUN_INTERVAL', { parse: parseRunInterval, fallback: 15 * 60_000 }),
    outputDirectory: env.string('HANSARD_OUTPUT_DIRECTORY'),
    adapters: env.parsed<readonly AdapterSetting[]>('HANSARD_ADAPTERS_FILE', {
      parse: (path) => parseAdapterSettings(decodeText(readFileSync(path), { what: path }), path),
      fallback: DEFAULT_ADAPTERS,
    }),
    directoriesAllowed: directoriesAllowed(env),
    complianceFileStore: env.optional('HANSARD_COMPLIANCE_FILE_STORE'),
    signingKey: signingKeySource(env),
    anchors: anchorSettings(env),
    tickMs: env.integer('HANSARD_WORKER_TICK_MS', { min: 50, max: 60_000, fallback: 1_000 }),
    checkFilesEveryMs: 3_600_000 * env.integer('HANSARD_EXPORTS_CHECK_HOURS', { min: 0, max: 8_760, fallback: 24 }),
    leaseMs: env.integer('HANSARD_WORKER_LEASE_MS', { min: 1_000, max: 60_000, fallback: LEASE_MS }),
  }
  const problem = anchorProblem(config.anchors, config.outputDirectory)
  if (problem !== undefined) env.problem(problem)
  return config
}
