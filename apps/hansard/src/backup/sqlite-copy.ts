import { existsSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { type Database, type Knex, openDatabase, withSqlite } from '@hansard/sql'
import { misused, refused } from '../cli/command-failure.ts'

/**
 * Copies a SQLite database that may be in use, through SQLite's own backup. It is one step, under one read lock: in
 * several, a busy writer would make it begin again and again. Checks the copy, and leaves one file without a log.
 */
export async function copySqlite<T>(from: string, to: string, read: (copy: Knex) => Promise<T>): Promise<T> {
  if (!existsSync(from)) throw misused(`${from} does not exist.`, 'Name the data directory of a pool with --data.')
  const source = openDatabase({ url: `sqlite:${from}` })
  try {
    await await withSqlite(source, (handle) => handle.backup(to, { progress: () => 0x7fff_ffff }))
  } finally {
    await source.close()
  }
  await chmod(to, 0o600)
  const copy = openDatabase({ url: `sqlite:${to}` })
  try {
    await requireIntact(copy, to)
    const result = await read(copy.knex)
    await copy.knex.raw('pragma journal_mode = DELETE')
    return result
  } finally {
    await copy.close()
  }
}

/** `PRAGMA integrity_check` and `foreign_key_check`. */
export async function requireIntact(db: Database, path: string): Promise<void> {
  const found: { integrity_check: string }[] = await db.knex.raw('pragma integrity_check(10)')
  const broken: unknown[] = await db.knex.raw('pragma foreign_key_check')
  const problem = found.find(({ integrity_check }) => integrity_check !== 'ok')?.integrity_check
  if (problem === undefined && broken.length === 0 && found.length > 0) return
  throw refused(`${path} is damaged: ${problem ?? 'its rows contradict each other'}. It is no backup.`)
}
