import type { Clock } from '@hansard/clock'
import type { Knex } from 'knex'
import type { Database } from './database.ts'
import { databaseNow } from './database-now.ts'
import { endingBlockers } from './end-blockers.ts'

/**
 * A leader lease: the time-limited right to do what only one process may do at a time.
 *
 * A lease expires by the clock of the database: the clocks of its holders differ. That clock may be set as well, so
 * the row has the length of the lease, and an expiry further away than that counts as one length from now. Processes
 * pause: a holder may sleep through its expiry and continue as if nothing had happened. Each lease therefore has a
 * fencing token, which grows with every change of holder. `underLease` checks the token inside the transaction, under
 * a lock that a successor has to wait for, so a holder with an old token can change nothing. Without `underLease` a
 * lease only makes it unlikely that two processes work at once.
 *
 * The caller's database has the table `lease`: name, holder, token, expires_at (milliseconds since 1970), length_ms (0
 * when it was taken by a version that did not record it).
 */
export type Lease = { readonly name: string; readonly holder: string; readonly token: number }

/** Takes or renews a lease for `ttlMs`. Undefined while another holder has it. */
export async function takeLease(
  db: Database,
  { name, holder, clock, ttlMs }: { name: string; holder: string; clock: Clock; ttlMs: number },
): Promise<Lease | undefined> {
  const seen = await findRow(db.knex, name)
  // The holder's transactions lock the row: a process that only waits for its turn must not wait for them.
  if (seen && seen.holder !== holder && isValid(seen, await databaseNow(db, clock))) return undefined
  return db.knex.transaction(async (tx) => {
    await tx('lease').insert({ name, holder, token: 0, expires_at: 0, length_ms: 0 }).onConflict('name').ignore()
    const row = (await (db.dialect === 'postgres' ? findRow(tx, name).forUpdate() : findRow(tx, name)))!
    // Read after the row was locked, which may have taken a while.
    const now = await databaseNow(db, clock, tx)
    const expiresAt = Math.min(row.expires_at, now + (row.length_ms || ttlMs))
    if (row.holder !== holder && expiresAt > now) {
      if (expiresAt < row.expires_at)
        await tx('lease')
          .where({ name })
          .update({ expires_at: expiresAt, length_ms: row.length_ms || ttlMs })
      return undefined
    }
    const token = row.holder === holder && row.token > 0 ? row.token : row.token + 1
    await tx('lease')
      .where({ name })
      .update({ holder, token, expires_at: now + ttlMs, length_ms: ttlMs })
    return { name, holder, token }
  })
}

/**
 * Releases the lease, so that the next holder can take it at once. The token stays: work that this holder left
 * running is still fenced.
 */
export async function releaseLease(db: Database, { name, holder, token }: Lease): Promise<void> {
  await db.knex('lease').where({ name, holder, token }).update({ expires_at: 0 })
}

/**
 * Ends a lease, no matter who holds it. The holder is fenced at once: its transactions under the lease fail, and it
 * takes part in the next round like everybody else. Returns the lease that was broken, undefined when nobody held it.
 */
export async function breakLease(db: Database, name: string): Promise<Lease | undefined> {
  // The holder may be frozen in a transaction.
  return endingBlockers(db, async (tx) => {
    const row = await (db.dialect === 'postgres' ? findRow(tx, name).forUpdate() : findRow(tx, name))
    if (!row || row.holder === '') return undefined
    await tx('lease')
      .where({ name })
      .update({ holder: '', token: row.token + 1, expires_at: 0 })
    return { name, holder: row.holder, token: row.token }
  })
}

/** A lease as an operator sees it. */
type HeldLease = Lease & {
  /** Milliseconds until it expires by the database's clock; 0 or less when it has expired. At most its length. */
  readonly expiresInMs: number
}

/** Every lease that somebody has, by name, expired ones included. */
export async function listLeases(db: Database, clock: Clock): Promise<HeldLease[]> {
  const now = await databaseNow(db, clock)
  const rows: (LeaseRow & { name: string })[] = await db
    .knex('lease')
    .whereNot({ holder: '' })
    .orderBy('name')
    .select('name', ...COLUMNS)
  return rows.map(({ name, holder, token, expires_at, length_ms }) => ({
    name,
    holder,
    token,
    expiresInMs: length_ms > 0 ? Math.min(expires_at - now, length_ms) : expires_at - now,
  }))
}

/** Runs a transaction of the holder. Throws `LeaseLost`, without any change, when another process holds the lease. */
export async function underLease<T>(
  db: Database,
  lease: Lease,
  work: (tx: Knex.Transaction) => Promise<T>,
): Promise<T> {
  return db.knex.transaction(async (tx) => {
    const query = findRow(tx, lease.name)
    // A SQLite transaction locks the whole database. PostgreSQL needs a row lock that makes a successor wait for this
    // commit.
    const row = await (db.dialect === 'postgres' ? query.forShare() : query)
    if (row?.token !== lease.token || row.holder !== lease.holder) throw new LeaseLost(lease)
    return work(tx)
  })
}

/** Throws `LeaseLost` when the lease is not ours any more. A transaction that changes data must use `underLease`. */
export async function assertLease(db: Database, lease: Lease): Promise<void> {
  const row = await findRow(db.knex, lease.name)
  if (row?.token !== lease.token || row.holder !== lease.holder) throw new LeaseLost(lease)
}

/** Another process is the leader now. Not a failure: stop the work, and ask for the lease again later. */
export class LeaseLost extends Error {
  override name = 'LeaseLost'
  constructor({ name, holder, token }: Lease) {
    super(`${holder} no longer holds the lease "${name}" with token ${token}.`)
  }
}

/** Whether any process holds a lease. */
export async function leaseHeld(db: Database, { name, clock }: { name: string; clock: Clock }): Promise<boolean> {
  const row = await findRow(db.knex, name)
  return row !== undefined && isValid(row, await databaseNow(db, clock))
}

type LeaseRow = {
  readonly holder: string
  readonly token: number
  readonly expires_at: number
  readonly length_ms: number
}
const COLUMNS = ['holder', 'token', 'expires_at', 'length_ms'] as const

function findRow(knex: Knex, name: string): Knex.QueryBuilder<LeaseRow, LeaseRow | undefined> {
  return knex('lease')
    .where({ name })
    .first(...COLUMNS) as never
}

/** Not expired, and no further away than its length: otherwise the clock was set back since, and nobody may rely on it. */
function isValid({ expires_at, length_ms }: LeaseRow, now: number): boolean {
  return expires_at > now && length_ms > 0 && expires_at <= now + length_ms
}
