import type { Knex } from '@hansard/sql'
import type { PoolClient } from 'pg'

/**
 * Coming in and looking, against the change that bars somebody from the pool.
 *
 * The danger is somebody who comes into a room in the very moment in which an administrator bars them: the join finds the
 * account enabled, the change finds nobody of that account in the room, both commit, and the barred person is in. So
 * whoever comes in or looks shares a lock for the length of the transaction, and a change that may bar somebody holds it
 * alone: it sees every join that was decided before it, and every later one sees it.
 *
 * It is the first lock of a transaction, before rooms, and it is fair: a stream of joins does not keep a change waiting. An
 * embedded database needs none; it makes one transaction at a time.
 */
const LOCK = 0x68_61_6e_73 // a number of ours among the database's advisory locks

export async function admissionShared(client: PoolClient): Promise<void> {
  await client.query({ name: 'share-admission', text: `select pg_advisory_xact_lock_shared(${LOCK})` })
}

/** Lets no change that may bar somebody commit before this transaction ends. */
export async function shareAdmission(tx: Knex.Transaction, dialect: 'sqlite' | 'postgres'): Promise<void> {
  if (dialect === 'postgres') await tx.raw(`select pg_advisory_xact_lock_shared(${LOCK})`)
}

/** Nobody joins or reads until this transaction ends. */
export async function holdAdmission(tx: Knex.Transaction, dialect: 'sqlite' | 'postgres'): Promise<void> {
  if (dialect === 'postgres') await tx.raw(`select pg_advisory_xact_lock(${LOCK})`)
}
