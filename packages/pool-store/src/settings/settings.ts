import { newCategoryUri } from '@hansard/rooms'
import type { Database, Knex } from '@hansard/sql'

/** Settings that every service of a pool must agree on. */
export type StoredPoolSettings = {
  readonly pool: string
  readonly domain: string
  /** id of the row under which changes that concern no room are recorded */
  readonly poolRoomId: number
}

/** Needs an operator: the service was given another pool's database. Nothing was changed. */
class OtherPool extends Error {
  override name = 'OtherPool'
  readonly exitCode = 2
}

/**
 * Reads the pool's settings, or creates them on the first start. The values of the first start are kept: a different
 * name or domain is refused, because addresses, tokens and the queue contain them.
 */
export async function poolSettings(
  db: Database,
  given: { pool?: string | undefined; domain?: string | undefined },
): Promise<StoredPoolSettings> {
  const domain = (given.domain ?? 'localhost').toLowerCase()
  const initial = [
    { name: 'pool', value: given.pool ?? 'pool' },
    { name: 'domain', value: domain },
    { name: 'root-category', value: newCategoryUri(domain) },
  ]
  await db.knex('pool_setting').insert(initial).onConflict('name').ignore()
  const rows: { name: string; value: string }[] = await db.knex('pool_setting').select('name', 'value')
  const value = (name: string) => rows.find((row) => row.name === name)?.value ?? ''
  const pool = value('pool')
  refuseOther('HANSARD_POOL', pool, given.pool)
  refuseOther('HANSARD_DOMAIN', value('domain'), given.domain?.toLowerCase())
  const poolRoomId = Number(value('pool-room'))
  const uri = value('root-category')
  await db.knex('room').where({ id: poolRoomId }).whereNot({ uri }).update({ uri, name: uri, shown_name: pool })
  return { pool, domain: value('domain'), poolRoomId }
}

function refuseOther(setting: string, stored: string, given: string | undefined): void {
  if (given === undefined || given === stored) return
  const what = setting === 'HANSARD_POOL' ? 'belongs to the pool' : 'has the domain'
  throw new OtherPool(
    `The pool database ${what} "${stored}", and ${setting} is "${given}". Correct ${setting}, or the database it names.`,
  )
}

/** The row under which changes that concern no room are recorded, and its rights version. */
export async function findPoolRoom(db: Database): Promise<{ id: number; rights: number }> {
  const { value }: { value: string } = await db.knex('pool_setting').where({ name: 'pool-room' }).first('value')
  return db
    .knex('room')
    .where({ id: Number(value) })
    .first('id', 'rights')
}

/**
 * The first lock of every change of rooms, users and settings; rooms and the source come after it. What such a
 * decision depends on (scopes, nested groups, unused names) is spread over many rows that no other lock covers
 * together.
 */
export async function lockPoolChanges(tx: Knex.Transaction): Promise<void> {
  await tx('pool_setting').where({ name: 'pool-room' }).forUpdate().first('name')
}

/** Names of the channel services that clients are assigned to, as configured; none means all. */
export async function readActiveServers(db: Database): Promise<readonly string[]> {
  return JSON.parse((await readSetting(db, 'active-servers')) ?? '[]') as string[]
}

export async function readPoolState(db: Database): Promise<'normal' | 'failed-over'> {
  return (await readSetting(db, 'pool-state')) === 'failed-over' ? 'failed-over' : 'normal'
}

async function readSetting(db: Database, name: string): Promise<string | undefined> {
  const row: { value: string } | undefined = await db.knex('pool_setting').where({ name }).first('value')
  return row?.value
}
