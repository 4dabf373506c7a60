import { newSigningKey } from '@hansard/credentials'
import type { Database } from '@hansard/sql'

/** What every service of a pool must agree on. */
export type PoolSettings = { readonly pool: string; readonly domain: string; readonly signingKey: string }

/** Reads the pool's settings, or makes them on the first start. The first start's values stay. */
export async function poolSettings(db: Database, defaults: { pool: string; domain: string }): Promise<PoolSettings> {
  const initial = [
    { name: 'pool', value: defaults.pool },
    { name: 'domain', value: defaults.domain },
    { name: 'signing-key', value: newSigningKey() },
  ]
  await db.knex('pool_setting').insert(initial).onConflict('name').ignore()
  const rows: { name: string; value: string }[] = await db.knex('pool_setting').select('name', 'value')
  const value = (name: string) => rows.find((row) => row.name === name)?.value ?? ''
  return { pool: value('pool'), domain: value('domain'), signingKey: value('signing-key') }
}
