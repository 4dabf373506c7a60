import type { Database, Knex } from '@hansard/sql'
import type { PoolConfiguration } from '../settings/pool-configuration.ts'

type Page = { readonly after?: string | undefined; readonly limit: number }

type PolicyRow = { identity: string; description: string; enabled: boolean }

export async function findPolicy(db: Database, identity: string): Promise<PolicyRow | undefined> {
  return (await policiesOf(policies(db).where({ identity })))[0]
}

export async function listPolicies(db: Database, { after = '', limit }: Page): Promise<PolicyRow[]> {
  return policiesOf(policies(db).where('identity', '>', after).orderBy('identity').limit(limit))
}

function policies(db: Database): Knex.QueryBuilder {
  return db.knex('policy').select('identity', 'description', 'enabled')
}

async function policiesOf(query: Knex.QueryBuilder): Promise<PolicyRow[]> {
  const rows: { identity: string; description: string; enabled: boolean | number }[] = await query
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

/** The settings of the pool, of its sites and of its services, each scope separately. */
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
