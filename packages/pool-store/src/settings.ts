import { newSigningKey } from '@hansard/credentials'
import { newCategoryUri } from '@hansard/rooms'
import type { Database } from '@hansard/sql'

/** What every service of a pool must agree on. */
export type PoolSettings = {
  readonly pool: string
  readonly domain: string
  readonly signingKey: string
  /** id of the row under which changes that concern no room are recorded */
  readonly poolRoomId: number
}

/** Reads the pool's settings, or makes them on the first start. The first start's values stay. */
export async function poolSettings(db: Database, defaults: { pool: string; domain: string }): Promise<PoolSettings> {
  const initial = [
    { name: 'pool', value: defaults.pool },
    { name: 'domain', value: defaults.domain },
    { name: 'signing-key', value: newSigningKey() },
    { name: 'root-category', value: newCategoryUri(defaults.domain) },
  ]
  await db.knex('pool_setting').insert(initial).onConflict('name').ignore()
  const rows: { name: string; value: string }[] = await db.knex('pool_setting').select('name', 'value')
  const value = (name: string) => rows.find((row) => row.name === name)?.value ?? ''
  const pool = value('pool')
  const poolRoomId = Number(value('pool-room'))
  const uri = value('root-category')
  await db.knex('room').where({ id: poolRoomId }).whereNot({ uri }).update({ uri, name: uri, shown_name: pool })
  return { pool, domain: value('domain'), signingKey: value('signing-key'), poolRoomId }
}
