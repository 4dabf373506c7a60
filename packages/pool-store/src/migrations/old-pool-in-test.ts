import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, migrate, openDatabase } from '@hansard/sql'
import { sharePostgres } from '@hansard/test-servers'
import { POOL_MIGRATIONS } from '../index.ts'

/** A pool database as it was before a migration. Disposing of it closes the database. */
export async function openPoolBefore(
  migration: string,
  dialect: 'sqlite' | 'postgres',
): Promise<{ db: Database } & AsyncDisposable> {
  const stack = new AsyncDisposableStack()
  const server = dialect === 'postgres' ? await sharePostgres() : undefined
  if (server) stack.defer(() => server.stop())
  const file = () => `sqlite:${join(mkdtempSync(join(tmpdir(), 'hansard-')), 'pool.db')}`
  const db = openDatabase({ url: (await server?.createDatabase('pool')) ?? file() })
  stack.defer(() => db.close())
  const at = POOL_MIGRATIONS.findIndex(({ name }) => name === migration)
  if (at < 0) throw new Error(`There is no migration "${migration}".`)
  await migrate(db, POOL_MIGRATIONS.slice(0, at))
  return { db, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
