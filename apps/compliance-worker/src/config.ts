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

/** Everything a compliance worker can be told. */
export type ComplianceWorkerConfig = {
  /** the pool's name, as manifests say it */
  readonly pool: string
  /** for logs, status and the lease; each start of a worker adds something of its own */
  readonly workerName: string
  /** unless the compliance configuration says otherwise */
  readonly runIntervalMs: number
  /** each adapter's files lie in a folder of it, named after the adapter's setting */
  readonly outputDirectory: string
  /** what is exported until somebody sets it otherwise: put into the compliance database on the first start */
  readonly adapters: readonly AdapterSetting[]
  /** absolute paths outside of the output directory that adapters may be told to write to */
  readonly directoriesAllowed?: readonly string[] | undefined
  /** where the bytes of files that were put up lie; without it an export that tells of one is not sealed */
  readonly complianceFileStore?: string | undefined
  /** how often the exporter looks for work, besides being woken by roll calls */
  readonly tickMs: number
  /** how long a worker that died keeps its successor waiting */
  readonly leaseMs?: number | undefined
}

/** Renewed three times as often. */
export const LEASE_MS = 6_000

/** The settings of a worker that runs as its own process. */
type ComplianceProcessConfig = Omit<ComplianceWorkerConfig, 'pool'> &
  CommonSettings & {
    readonly complianceDatabaseUrl: string
    readonly redisUrl: string
  }

export function complianceProcessConfig(env: Env): ComplianceProcessConfig {
  return {
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
    tickMs: env.integer('HANSARD_WORKER_TICK_MS', { min: 50, max: 60_000, fallback: 1_000 }),
    leaseMs: env.integer('HANSARD_WORKER_LEASE_MS', { min: 1_000, max: 60_000, fallback: LEASE_MS }),
  }
}
