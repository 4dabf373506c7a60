import { join } from 'node:path'
import { SIGNING_KEY_FILE, signingKeySource } from '@hansard/compliance-worker'
import { complianceDatabaseUrl, poolDatabaseUrl } from '@hansard/config'
import { TOKEN_KEY_FILE, tokenKeySource } from '@hansard/credentials'
import { misused } from '../cli/command-failure.ts'
import type { Io } from '../cli/io.ts'
import { DEFAULT_DATA_DIRECTORY } from '../cli/pool-address.ts'
import { dataDirectory } from '../standard-edition/data-directory.ts'

/** Where the parts of a pool are that a backup has. Undefined: this pool has no such part. */
export type PoolPlaces = {
  readonly edition: 'standard' | 'enterprise'
  /** a path in the Standard Edition, a URL in the Enterprise Edition */
  readonly poolDatabase: string
  readonly complianceDatabase: string
  /** by their names in the backup */
  readonly stores: Readonly<Record<string, string>>
  readonly keys: Readonly<Record<string, string>>
  readonly configuration: Readonly<Record<string, string>>
  readonly outputDirectory: string | undefined
  /** the data directory */
  readonly root: string | undefined
}

/** Settings that name a key itself: it is in no file. */
export const KEY_TEXTS = ['HANSARD_TOKEN_KEY', 'HANSARD_SIGNING_KEY'] as const

/** The data directory that was named; otherwise the pool that the services' own settings name; otherwise the default. */
export function placesOf(io: Io, { data }: { data?: string | undefined }): PoolPlaces {
  const { env } = io
  if (data !== undefined || env.optional('HANSARD_POOL_DATABASE_URL') === undefined)
    return standardPlaces(data ?? DEFAULT_DATA_DIRECTORY)
  const databases = { poolDatabase: poolDatabaseUrl(env), complianceDatabase: complianceDatabaseUrl(env) }
  env.check()
  for (const url of Object.values(databases))
    if (!/^postgres(ql)?:/.test(url))
      throw misused('The databases of these settings are not on PostgreSQL.', 'Name a data directory with --data.')
  const token = tokenKeySource(env)
  const signing = signingKeySource(env)
  return {
    edition: 'enterprise',
    ...databases,
    stores: named({
      files: env.optional('HANSARD_FILE_STORE'),
      'compliance-files': env.optional('HANSARD_COMPLIANCE_FILE_STORE'),
    }),
    keys: named({
      [TOKEN_KEY_FILE]: 'file' in token ? token.file : undefined,
      [SIGNING_KEY_FILE]: 'file' in signing ? signing.file : undefined,
    }),
    configuration: named({ 'adapters.json': env.optional('HANSARD_ADAPTERS_FILE') }),
    outputDirectory: env.optional('HANSARD_OUTPUT_DIRECTORY'),
    root: undefined,
  }
}

export function standardPlaces(data: string): PoolPlaces {
  const directory = dataDirectory(data)
  const { root } = directory
  return {
    edition: 'standard',
    poolDatabase: join(root, 'pool.db'),
    complianceDatabase: join(root, 'compliance.db'),
    stores: { files: directory.files, 'compliance-files': directory.complianceFiles },
    keys: { [TOKEN_KEY_FILE]: directory.tokenKeyFile, [SIGNING_KEY_FILE]: directory.signingKeyFile },
    configuration: { 'adapters.json': directory.adaptersFile },
    outputDirectory: directory.exports,
    root,
  }
}

function named(places: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const given = Object.entries(places).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return Object.fromEntries(given)
}
