import type { Knex } from 'knex'
import type { Database } from './database.ts'
import { isTransient } from './errors.ts'

/**
 * Runs a short transaction that may share its commit with others which are wanted at the same time.
 *
 * On SQLite each commit is an fsync during which the thread does nothing else: what is wanted while another is under way
 * goes into one, each in a savepoint of its own, so that one that fails takes nobody along. PostgreSQL gathers commits itself,
 * and rows locked for several people in one transaction would wait for each other in a circle: there everyone has their own.
 */
export function groupedTransaction<T>(db: Database, work: (tx: Knex.Transaction) => Promise<T>): Promise<T> {
  if (db.dialect === 'postgres') return db.knex.transaction(work)
  const group = groupOf(db)
  return new Promise<T>((resolve, reject) => {
    group.waiting.push({ work, resolve: resolve as (value: unknown) => void, reject })
    if (!group.running) void run(db, group)
  })
}

/** The same for a single statement, which on PostgreSQL needs no transaction. */
export function groupedStatement<T>(db: Database, work: (knex: Knex | Knex.Transaction) => Promise<T>): Promise<T> {
  return db.dialect === 'postgres' ? work(db.knex) : groupedTransaction(db, work)
}

/** Nothing else happens while a group is worked on. */
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
        // Now that it has begun: what came while the connection was waited for is taken along.
        taken = group.waiting.splice(0, GROUP_MAX)
        return workOn(tx, taken)
      })
      for (const answer of answers) answer()
    } catch (error) {
      // It may not even have begun.
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
      // A full disk ends the whole transaction, and with it the savepoints: what came next would be committed by itself.
      if (isTransient(error)) throw error
      await tx.raw('rollback to member')
      answers.push(() => reject(error))
    }
    await tx.raw('release member')
  }
  return answers
}
