import type { Knex } from 'knex'
import type { Database } from './database.ts'
import { isTransient } from './errors.ts'

/**
 * Runs a short transaction that may share its commit with concurrent ones (group commit).
 *
 * On SQLite each commit is an fsync during which the thread does nothing else. Requests that arrive during one share
 * the next commit, each in its own savepoint, so a failure does not affect the others. PostgreSQL groups commits
 * itself, and one transaction with the row locks of several callers could deadlock, so there each request has its
 * own.
 */
export function groupedTransaction<T>(db: Database, work: (tx: Knex.Transaction) => Promise<T>): Promise<T> {
  if (db.dialect === 'postgres') return db.knex.transaction(work)
  const group = groupOf(db)
  return new Promise<T>((resolve, reject) => {
    group.waiting.push({ work, resolve: resolve as (value: unknown) => void, reject })
    if (!group.running) void run(db, group)
  })
}

/** The same for a single statement, which needs no transaction on PostgreSQL. */
export function groupedStatement<T>(db: Database, work: (knex: Knex | Knex.Transaction) => Promise<T>): Promise<T> {
  return db.dialect === 'postgres' ? work(db.knex) : groupedTransaction(db, work)
}

/** Runs a group without yielding. */
const GROUP_MAX = 16

type Entry = {
  readonly work: (tx: Knex.Transaction) => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}
type Group = { readonly waiting: Entry[]; running: boolean }

const groups = new WeakMap<Database, Group>()

function groupOf(db: Database): Group {
  const known = groups.get(db)
  if (known) return known
  const group: Group = { waiting: [], running: false }
  groups.set(db, group)
  return group
}

async function run(db: Database, group: Group): Promise<void> {
  group.running = true
  while (group.waiting.length > 0) {
    let taken: Entry[] = []
    try {
      const answers = await db.knex.transaction((tx) => {
        // Taken only now that the transaction has begun: includes the requests that arrived while it waited for the
        // connection.
        taken = group.waiting.splice(0, GROUP_MAX)
        return workOn(tx, taken)
      })
      for (const answer of answers) answer()
    } catch (error) {
      // The transaction may not even have begun.
      if (taken.length === 0) taken = group.waiting.splice(0, GROUP_MAX)
      for (const { reject } of taken) reject(error)
    }
  }
  group.running = false
}

async function workOn(tx: Knex.Transaction, entries: readonly Entry[]): Promise<(() => void)[]> {
  const answers: (() => void)[] = []
  for (const { work, resolve, reject } of entries) {
    await tx.raw('savepoint member')
    try {
      const value = await work(tx)
      answers.push(() => resolve(value))
    } catch (error) {
      // A full disk ends the whole transaction, savepoints included: later statements would autocommit.
      if (isTransient(error)) throw error
      await tx.raw('rollback to member')
      answers.push(() => reject(error))
    }
    await tx.raw('release member')
  }
  return answers
}
