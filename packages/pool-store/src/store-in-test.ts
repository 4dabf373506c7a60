import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newCategoryUri, newRoomUri, type RoomPrivacy } from '@hansard/rooms'
import { type Database, type Dialect, migrate, openDatabase } from '@hansard/sql'
import { copyOfTemplate, sharePostgres, template } from '@hansard/test-servers'
import { createPrincipals, findPrincipal, POOL_MIGRATIONS, type Principal } from './index.ts'

export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const DOMAIN = 'example.com'
const POOL = template('pool', openDatabase, (db) => migrate(db, POOL_MIGRATIONS))

/** A pool database of its own, with one category. Data inserted here bypasses the record: for store tests only. */
export type StoreInTest = {
  readonly db: Database
  readonly categoryId: number
  addUser(account: string, domain?: string): Promise<Principal>
  addRoom(name: string, privacy?: RoomPrivacy): Promise<number>
  /** Another connection to the same database (PostgreSQL only). */
  connect(): Database
  close(): Promise<void>
}

export async function openStoreInTest(dialect: Dialect): Promise<StoreInTest> {
  const server = dialect === 'postgres' ? await sharePostgres() : undefined
  const directory = mkdtempSync(join(tmpdir(), 'hansard-store-'))
  const url = await (server ? server.createDatabase('pool', POOL) : copyOfTemplate(POOL, join(directory, 'pool.db')))
  const db = openDatabase({ url })
  const open = [db]
  const [category]: { id: number }[] = await db
    .knex('category')
    .insert({ uri: newCategoryUri(DOMAIN), name: 'General', created_at: NOW })
    .returning('id')
  return {
    db,
    categoryId: category!.id,
    async addUser(account, domain = DOMAIN) {
      await createPrincipals(db.knex, [{ account, domain, displayName: account, secret: 'key$x', now: NOW }])
      return (await findPrincipal(db, { account }))!
    },
    async addRoom(name, privacy = 'open') {
      const [room]: { id: number }[] = await db
        .knex('room')
        .insert({ uri: newRoomUri(DOMAIN), name, privacy, category_id: category!.id, created_at: NOW })
        .returning('id')
      return room!.id
    },
    connect() {
      const another = openDatabase({ url })
      open.push(another)
      return another
    },
    async close() {
      for (const each of open) await each.close()
      await server?.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
