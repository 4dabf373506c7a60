import type { Database } from '@hansard/sql'
import type { PoolConfiguration } from './pool-configuration.ts'

type Page = { readonly after?: string | undefined; readonly limit: number }

export async function listPolicies(
  db: Database,
  { after = '', limit }: Page,
): Promise<{ identity: string; description: string; enabled: boolean }[]> {
  const rows: { identity: string; description: string; enabled: boolean | number }[] = await db
    .knex('policy')
    .where('identity', '>', after)
    .orderBy('identity')
    .limit(limit)
    .select('identity', 'description', 'enabled')
  return rows.map((row) => ({ ...row, enabled: Boolean(row.enabled) }))
}

export async function listEndpoints(
  db: Database,
  { after = '', limit }: Page,
): Promise<{ uri: string; displayName: string }[]> {
  return db
    .knex('endpoint')
    .where('uri', '>', after)
    .orderBy('uri')
    .limit(limit)
    .select('uri', 'display_name as displayName')
}

/** What the pool, its sites and its services are told, each by itself. */
export async function listPoolConfigurations(
  db: Database,
): Promise<{ identity: string; settings: Partial<PoolConfiguration> }[]> {
  const rows: { identity: string; settings: string }[] = await db
    .knex('pool_configuration')
    .orderBy('identity')
    .select('identity', 'settings')
  return rows.map(({ identity, settings }) => ({
    identity,
    settings: JSON.parse(settings) as Partial<PoolConfiguration>,
  }))
}
