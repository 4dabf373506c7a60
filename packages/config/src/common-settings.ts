import { delimiter, isAbsolute } from 'node:path'
import type { Env } from './env.ts'

/** What every service reads, under the same names. */
export type CommonSettings = {
  /** the pool's name; undefined: the one that its databases have */
  readonly pool: string | undefined
  /** the SIP domain of the pool's addresses; undefined: the one that the pool database has */
  readonly domain: string | undefined
  readonly logLevel: string
}

/** Where a service listens. */
export type ListenAddress = { readonly host: string; readonly port: number }

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export function commonSettings(
  env: Env,
  { logLevel = 'info' }: { logLevel?: (typeof LOG_LEVELS)[number] } = {},
): CommonSettings {
  return {
    pool: env.optional('HANSARD_POOL'),
    domain: env.optional('HANSARD_DOMAIN'),
    logLevel: env.choice('HANSARD_LOG_LEVEL', { of: LOG_LEVELS, fallback: logLevel }),
  }
}

export const poolDatabaseUrl = (env: Env): string => env.string('HANSARD_POOL_DATABASE_URL')

export const complianceDatabaseUrl = (env: Env): string => env.string('HANSARD_COMPLIANCE_DATABASE_URL')

export const redisUrl = (env: Env): string => env.string('HANSARD_REDIS_URL')

/** The site whose settings apply to this service before those of the whole pool. */
export const site = (env: Env): string | undefined => env.optional('HANSARD_SITE')

/** When the clock of a service that stamps events is believed. */
export type ClockSettings = {
  /** milliseconds that it may differ from the database's, and be set by while the service runs */
  readonly clockBoundMs?: number | undefined
  /** the true time, as a person has stated it */
  readonly clockRightAt?: number | undefined
}

export function clockSettings(env: Env): ClockSettings {
  return {
    clockBoundMs: 1_000 * env.integer('HANSARD_CLOCK_BOUND_SECONDS', { min: 5, max: 3_600, fallback: 60 }),
    clockRightAt: env.parsed('HANSARD_CLOCK_RIGHT_AT', { parse: parseTime, fallback: undefined }),
  }
}

function parseTime(text: string): number | undefined {
  const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) throw new Error('it takes a time with its zone, such as 2026-01-02T03:04Z.')
  return at
}

/** Reads `HANSARD_<service>_HOST` and `HANSARD_<service>_PORT`. */
export function listenAddress(env: Env, service: string, defaultPort: number): ListenAddress {
  return {
    host: env.string(`HANSARD_${service}_HOST`, { fallback: '127.0.0.1' }),
    port: env.integer(`HANSARD_${service}_PORT`, { min: 1, max: 65_535, fallback: defaultPort }),
  }
}

/** The directories outside the output directory that adapters may write to. */
export function directoriesAllowed(env: Env): readonly string[] {
  return env.parsed('HANSARD_OUTPUT_DIRECTORIES_ALLOWED', { parse: parseDirectories, fallback: [] })
}

/** Absolute paths, separated as in PATH. */
function parseDirectories(text: string): readonly string[] {
  const directories = text.split(delimiter).filter((directory) => directory !== '')
  const wrong = directories.find((directory) => !isAbsolute(directory))
  if (wrong !== undefined) throw new Error(`${wrong} is not an absolute path.`)
  return directories
}
