import {
  type ClockSettings,
  type CommonSettings,
  clockSettings,
  commonSettings,
  type Env,
  poolDatabaseUrl,
  site,
} from '@hansard/config'
import { parseClamdAddress } from '@hansard/file-store'
import { baseUrl, type HttpSettings, httpSettings } from '@hansard/http'

/** All options of a file service. Times are milliseconds unless the name says otherwise. */
export type FileServiceConfig = ClockSettings & {
  /** the source's name: one instance at a time may run under it */
  readonly name: string
  /** URL at which clients reach this service: `https://chat.example.com/files` */
  readonly endpoint: string
  /** the site whose policy applies here, unless the pool or the user has its own */
  readonly site?: string | undefined
  /** concurrent uploads and downloads; a further one is refused and may be repeated */
  readonly transfersMax: number
  /** concurrent uploads and downloads of one principal */
  readonly transfersPerPrincipalMax: number
  /** a client that sends nothing for this long while uploading, or reads nothing, is disconnected */
  readonly idleMs: number
  /** maximum duration of one upload or download request */
  readonly transferMs: number
  /** interval at which the reader's access is checked again during a download */
  readonly accessCheckMs: number
  readonly heartbeatMs: number
  readonly sweepMs: number
}

export const FILE_SERVICE_DEFAULTS = {
  transfersMax: 400,
  transfersPerPrincipalMax: 16,
  idleMs: 60_000,
  transferMs: 60 * 60_000,
  accessCheckMs: 2_000,
  heartbeatMs: 1_000,
  sweepMs: 60_000,
} as const satisfies Partial<FileServiceConfig>

/** The settings of a file service that runs as its own process. */
type FileProcessConfig = FileServiceConfig &
  CommonSettings & {
    readonly http: HttpSettings
    readonly poolDatabaseUrl: string
    /** the file store: one directory for all servers of the pool */
    readonly directory: string
    /** the compliance side's own copy of every file; neither directory may lie inside the other */
    readonly complianceDirectory: string
    /** address of clamd, or undefined: files are not scanned */
    readonly clamd: string | undefined
  }

export function fileProcessConfig(env: Env): FileProcessConfig {
  const d = FILE_SERVICE_DEFAULTS
  const http = httpSettings(env, 'FILES', 7_467)
  return {
    ...d,
    ...commonSettings(env),
    ...clockSettings(env),
    http,
    name: env.string('HANSARD_FILES_NAME'),
    endpoint: env.string('HANSARD_FILES_ENDPOINT', { fallback: `${baseUrl(http)}/files` }),
    site: site(env),
    poolDatabaseUrl: poolDatabaseUrl(env),
    directory: env.string('HANSARD_FILE_STORE'),
    complianceDirectory: env.string('HANSARD_COMPLIANCE_FILE_STORE'),
    clamd: clamdAddress(env),
    transfersMax: env.integer('HANSARD_FILES_TRANSFERS_MAX', { min: 1, max: 10_000, fallback: d.transfersMax }),
    idleMs: 1_000 * env.integer('HANSARD_FILES_IDLE_SECONDS', { min: 1, max: 3_600, fallback: d.idleMs / 1_000 }),
  }
}

/**
 * The address of the virus scanner, or undefined when none is configured. A malformed one is an error: it must not
 * disable scanning.
 */
function clamdAddress(env: Env): string | undefined {
  return env.parsed<string | undefined>('HANSARD_FILES_CLAMD', { parse: parseClamdAddress, fallback: undefined })
}
