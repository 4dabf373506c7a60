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
