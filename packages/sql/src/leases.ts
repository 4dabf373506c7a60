import type { Knex } from 'knex'
import type { Database } from './database.ts'

/**
 * A leader lease: the time-limited right to do what only one process may do at a time.
 *
 * A lease expires by the clock, but clocks drift and processes pause: a holder may sleep through its expiry and
 * continue as if nothing had happened. Each lease therefore has a fencing token, which grows with every change of
 * holder. `underLease` checks the token inside the transaction, under a lock that a successor has to wait for, so a
 * holder with an old token can change nothing. Without `underLease` a lease only makes it unlikely that two processes
 * work at once.
 *
 * The caller's database has the table `lease`: name, holder, token, expires_at (milliseconds since 1970).
 */
export type Lease = { readonly name: string; readonly holder: string; readonly token: number }

/** Takes or renews a lease until `now + ttlMs`. Undefined while another holder has it. */
export async function takeLease(
  db: Database,
  { name, holder, now, ttlMs }: { name: string; holder: string; now: number; ttlMs: number },
): Promise<Lease | undefined> {
  return db.knex.transaction(async (tx) => {
    await tx('lease').insert({ name, holder, token: 0, expires_at: 0 }).onConflict('name').ignore()
    await tx('lease')
      .where({ name })
      .andWhere((either) => either.where('expires_at', '<=', now).orWhere({ holder }))
      .update({
        token: tx.raw('case when holder = ? and token > 0 then token else token + 1 end', [holder]),
        holder,
        expires_at: now + ttlMs,
      })
    const row: LeaseRow | undefined = await tx('lease').where({ name }).first('holder', 'token')
    return row?.holder === holder ? { name, holder, token: row.token } : undefined
  })
}

/**
 * Releases the lease, so that the next holder can take it at once. The token stays: work that this holder left
 * running is still fenced.
 */
export async function releaseLease(db: Database, { name, holder, token }: Lease): Promise<void> {
  await db.knex('lease').where({ name, holder, token }).update({ expires_at: 0 })
}

/** Runs a transaction of the holder. Throws `LeaseLost`, without any change, when another process holds the lease. */
export async function underLease<T>(
  db: Database,
  lease: Lease,
  work: (tx: Knex.Transaction) => Promise<T>,
): Promise<T> {
  return db.knex.transaction(async (tx) => {
    const query = tx('lease').where({ name: lease.name }).first('holder', 'token')
    // A SQLite transaction locks the whole database. PostgreSQL needs a row lock that makes a successor wait for this
    // commit.
    const row: LeaseRow | undefined = await (db.dialect === 'postgres' ? query.forShare() : query)
    if (row?.token !== lease.token || row.holder !== lease.holder) throw new LeaseLost(lease)
    return work(tx)
  })
}

/** Throws `LeaseLost` when the lease is not ours any more. A transaction that changes data must use `underLease`. */
export async function assertLease(db: Database, lease: Lease): Promise<void> {
  const row: LeaseRow | undefined = await db.knex('lease').where({ name: lease.name }).first('holder', 'token')
  if (row?.token !== lease.token || row.holder !== lease.holder) throw new LeaseLost(lease)
}

/** Another process is the leader now. Not a failure: stop the work, and ask for the lease again later. */
export class LeaseLost extends Error {
  override name = 'LeaseLost'
  constructor({ name, holder, token }: Lease) {
    super(`${holder} no longer holds the lease "${name}" with token ${token}.`)
  }
}

type LeaseRow = { readonly holder: string; readonly token: number }

/** Whether any process holds a lease. */
export async function leaseHeld(db: Database, { name, now }: { name: string; now: number }): Promise<boolean> {
  const row: { expires_at: number } | undefined = await db.knex('lease').where({ name }).first('expires_at')
  return row !== undefined && row.expires_at > now
}
