import { delimiter, isAbsolute } from 'node:path'
import type { Env } from '@hansard/config'
import { parseRunInterval } from '@hansard/conversation'
import { PASSWORD_CHARACTERS_MIN, type TokenKeySource, tokenKeySource } from '@hansard/credentials'
import type { FileStoreDirectories } from '@hansard/file-store'
import { ADMIN_API_DEFAULTS, type AdminApiConfig } from './service.ts'

/** The settings of an admin API that runs as its own process. */
export type AdminProcessConfig = Omit<AdminApiConfig, 'version'> & {
  readonly host: string
  readonly port: number
  readonly poolDatabaseUrl: string
  readonly complianceDatabaseUrl: string
  readonly redisUrl: string
  readonly pool: string
  readonly domain: string
  /** of the operator's account, when this start makes it */
  readonly operatorPassword: string | undefined
  /** those of the file services; undefined: files neither go out nor come in here */
  readonly fileStores: FileStoreDirectories | undefined
  readonly logLevel: string
  readonly tokenKeys: TokenKeySource
}

export function adminProcessConfig(env: Env): AdminProcessConfig {
  return {
    name: env.string('HANSARD_ADMIN_NAME', { fallback: ADMIN_API_DEFAULTS.name }),
    heartbeatMs: ADMIN_API_DEFAULTS.heartbeatMs,
    complianceDirectories: {
      outputDirectory: env.optional('HANSARD_OUTPUT_DIRECTORY'),
      directoriesAllowed: env.parsed('HANSARD_OUTPUT_DIRECTORIES_ALLOWED', { parse: parseDirectories, fallback: [] }),
    },
    temporaryDirectory: env.optional('HANSARD_TEMPORARY_DIRECTORY'),
    tokenKeys: tokenKeySource(env),
    passwordCharactersMin: env.integer('HANSARD_PASSWORD_CHARACTERS_MIN', {
      min: PASSWORD_CHARACTERS_MIN,
      max: 64,
      fallback: ADMIN_API_DEFAULTS.passwordCharactersMin,
    }),
    signInRecordDays: env.integer('HANSARD_SIGN_IN_RECORD_DAYS', {
      min: 1,
      max: 36_500,
      fallback: ADMIN_API_DEFAULTS.signInRecordDays,
    }),
    host: env.string('HANSARD_ADMIN_HOST', { fallback: '127.0.0.1' }),
    port: env.integer('HANSARD_ADMIN_PORT', { min: 1, max: 65_535, fallback: 7_466 }),
    site: env.string('HANSARD_SITE', { fallback: '' }) || undefined,
    poolDatabaseUrl: env.string('HANSARD_POOL_DATABASE_URL'),
    complianceDatabaseUrl: env.string('HANSARD_COMPLIANCE_DATABASE_URL'),
    redisUrl: env.string('HANSARD_REDIS_URL'),
    pool: env.string('HANSARD_POOL', { fallback: 'pool' }),
    domain: env.string('HANSARD_DOMAIN', { fallback: 'localhost' }),
    runIntervalMs: env.parsed('HANSARD_RUN_INTERVAL', { parse: parseRunInterval, fallback: 15 * 60_000 }),
    operatorPassword: env.optional('HANSARD_ADMIN_PASSWORD'),
    fileStores: fileStoreDirectories(env),
    logLevel: env.string('HANSARD_LOG_LEVEL', { fallback: 'info' }),
  }
}

/** Both or neither: what is only in the one is either lost to the record or to the pool. */
function fileStoreDirectories(env: Env): FileStoreDirectories | undefined {
  const names = ['HANSARD_FILE_STORE', 'HANSARD_COMPLIANCE_FILE_STORE'] as const
  if (names.every((name) => env.optional(name) === undefined)) return undefined
  const [directory, complianceDirectory] = [env.string(names[0]), env.string(names[1])]
  return { directory, complianceDirectory }
}

/** Absolute paths, parted as in PATH. */
function parseDirectories(text: string): readonly string[] {
  const directories = text.split(delimiter).filter((directory) => directory !== '')
  const wrong = directories.find((directory) => !isAbsolute(directory))
  if (wrong !== undefined) throw new Error(`${wrong} is not an absolute path.`)
  return directories
}
