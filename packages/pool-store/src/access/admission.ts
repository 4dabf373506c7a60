import type { Knex } from '@hansard/sql'
import type { PoolClient } from 'pg'

/**
 * Joins and reads, against a change that bars a user from the pool.
 *
 * The danger is a user who joins a room at the moment an administrator bars them: the join finds the account enabled,
 * the change finds no participant of that account, both commit, and the barred user is in. A join or a read therefore
 * holds a shared lock until its transaction ends, and a change that may bar a user holds it exclusively. The change
 * sees every join decided before it, and every later join sees the change.
 *
 * It is the first lock of a transaction, before rooms, and it is fair: a stream of joins does not starve a change. An
 * embedded database needs no such lock; it runs one transaction at a time.
 */
const LOCK = 0x68_61_6e_73 // our number among the database's advisory locks

export async function admissionShared(client: PoolClient): Promise<void> {
  await client.query({ name: 'share-admission', text: `select pg_advisory_xact_lock_shared(${LOCK})` })
}

/** Shared mode: no change that may bar a user commits before this transaction ends. */
export async function shareAdmission(tx: Knex.Transaction, dialect: 'sqlite' | 'postgres'): Promise<void> {
  if (dialect === 'postgres') await tx.raw(`select pg_advisory_xact_lock_shared(${LOCK})`)
}

/** Exclusive mode: nobody joins or reads until this transaction ends. */
export async function holdAdmission(tx: Knex.Transaction, dialect: 'sqlite' | 'postgres'): Promise<void> {
  if (dialect === 'postgres') await tx.raw(`select pg_advisory_xact_lock(${LOCK})`)
}
