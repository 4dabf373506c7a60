import {
  type CommonSettings,
  clockSettings,
  commonSettings,
  complianceDatabaseUrl,
  directoriesAllowed,
  type Env,
  poolDatabaseUrl,
  redisUrl,
  site,
} from '@hansard/config'
import { parseRunInterval } from '@hansard/conversation'
import { PASSWORD_CHARACTERS_MIN, type TokenKeySource, tokenKeySource } from '@hansard/credentials'
import type { FileStoreDirectories } from '@hansard/file-store'
import { type HttpSettings, httpSettings } from '@hansard/http'
import type { ApprovalMode } from '@hansard/staging'
import { ADMIN_API_DEFAULTS, type AdminApiConfig } from './service.ts'

/** The settings of an admin API that runs as its own process. */
type AdminProcessConfig = Omit<AdminApiConfig, 'version'> &
  CommonSettings & {
    readonly http: HttpSettings
    readonly tokenKeys: TokenKeySource
    readonly poolDatabaseUrl: string
    readonly complianceDatabaseUrl: string
    readonly redisUrl: string
    /** password of the operator's account, if this start creates it */
    readonly operatorPassword: string | undefined
    /** those of the file services; undefined: exports and imports do not include files */
    readonly fileStores: FileStoreDirectories | undefined
  }

export function adminProcessConfig(env: Env): AdminProcessConfig {
  return {
    ...commonSettings(env),
    ...clockSettings(env),
    name: env.string('HANSARD_ADMIN_NAME', { fallback: ADMIN_API_DEFAULTS.name }),
    heartbeatMs: ADMIN_API_DEFAULTS.heartbeatMs,
    complianceDirectories: {
      outputDirectory: env.optional('HANSARD_OUTPUT_DIRECTORY'),
      directoriesAllowed: directoriesAllowed(env),
    },
    approval: approvalSetting(env, { fallback: ADMIN_API_DEFAULTS.approval }),
    temporaryDirectory: env.optional('HANSARD_TEMPORARY_DIRECTORY'),
    http: httpSettings(env, 'ADMIN', 7_466),
    site: site(env),
    poolDatabaseUrl: poolDatabaseUrl(env),
    complianceDatabaseUrl: complianceDatabaseUrl(env),
    redisUrl: redisUrl(env),
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
    runIntervalMs: env.parsed('HANSARD_RUN_INTERVAL', { parse: parseRunInterval, fallback: 15 * 60_000 }),
    operatorPassword: env.optional('HANSARD_ADMIN_PASSWORD'),
    fileStores: fileStoreDirectories(env),
  }
}

/** How many people it takes to change what is exported. The two editions have different defaults. */
export function approvalSetting(env: Env, { fallback }: { fallback: ApprovalMode }): ApprovalMode {
  return env.choice('HANSARD_APPROVAL', { of: ['two-people', 'one-person'], fallback })
}

/** Both or neither: a file in only one of them is missing either from the record or from the pool. */
function fileStoreDirectories(env: Env): FileStoreDirectories | undefined {
  const names = ['HANSARD_FILE_STORE', 'HANSARD_COMPLIANCE_FILE_STORE'] as const
  if (names.every((name) => env.optional(name) === undefined)) return undefined
  const [directory, complianceDirectory] = [env.string(names[0]), env.string(names[1])]
  return { directory, complianceDirectory }
}
